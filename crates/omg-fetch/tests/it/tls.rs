//! TLS with the platform's trust store, against OpenSSL's server.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use omg_core::Wanted;

use crate::child::{alone, is_alone};
use crate::support::{World, noise, skip, wanted};

/// OpenSSL's server of the files of a directory, which are whole answers.
struct Server(Child, u16);

impl Server {
    fn start(dir: &Path) -> Self {
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-HTTP", "-cert", "cert", "-key", "key"])
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ").map(str::to_owned));
        let port = port.unwrap().rsplit(':').next().unwrap().trim().parse().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self(child, port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An authority, and a certificate of it for `localhost`.
fn certify(dir: &Path) -> bool {
    let script = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 \
        -subj /CN=Test-CA -keyout ca.key -out ca \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign && \
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
        -keyout key -out csr && printf 'subjectAltName=DNS:localhost\\nextendedKeyUsage=serverAuth' \
        > ext && openssl x509 -req -in csr -CA ca -CAkey ca.key -CAcreateserial -days 9 \
        -extfile ext -out cert";
    let output = Command::new("sh").args(["-c", script]).current_dir(dir).output();
    output.is_ok_and(|output| output.status.success())
}

#[test]
fn row_13_https_is_checked_and_not_left() {
    if is_alone() {
        let world = World::new();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for url in std::env::var("OMG_TEST_URLS").unwrap().split(' ') {
            world.store.clear().unwrap();
            let file: Wanted = wanted("a", &noise("a", 1000), &[url.to_owned()]);
            match runtime.block_on(world.one(file)) {
                Ok(_) => println!("RESULT ok"),
                Err(fault) => println!("RESULT {}", fault.code.id()),
            }
        }
        return;
    }
    let world = World::new();
    let dir = world.home.path();
    if !certify(dir) {
        return skip("openssl is missing: TLS is not tested");
    }
    world.put("a", &noise("a", 1000));
    let body = noise("a", 1000);
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n".as_slice();
    std::fs::write(dir.join("a"), [head, &body].concat()).unwrap();
    let away = format!(
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: {}\r\nConnection: close\r\n\r\n",
        world.mirror.url("a")
    );
    std::fs::write(dir.join("away"), away).unwrap();
    let server = Server::start(dir);
    let urls = ["localhost/a", "127.0.0.1/a", "localhost/away"].map(|url| {
        let (host, path) = url.split_once('/').unwrap();
        format!("https://{host}:{}/{path}", server.1)
    });
    let urls = urls.join(" ");
    let ca = dir.join("ca");
    let run = |ca: &str, weaken| {
        let env = [("SSL_CERT_FILE", ca), ("OMG_TEST_URLS", &urls), ("OMG_WEAKEN", weaken)];
        alone("tls::row_13_https_is_checked_and_not_left", &[], &env)
    };
    let trusted = run(ca.to_str().unwrap(), "");
    assert_eq!(trusted, ["ok", "OMG-E0008", "OMG-E0009"]);
    let weakened = run(ca.to_str().unwrap(), "13");
    assert_eq!(weakened, ["ok", "OMG-E0008", "ok"]);
    let bundle = "/etc/ssl/certs/ca-certificates.crt";
    let foreign = run(if Path::new(bundle).exists() { bundle } else { "/dev/null" }, "");
    assert_eq!(foreign[1], foreign[0]);
    assert_ne!(foreign[0], "ok");
}
