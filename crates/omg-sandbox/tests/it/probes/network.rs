//! Sockets and the network.

use std::net::{TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType};

use super::{Found, Sees, World};

type Entry = (&'static str, Sees, fn(&World) -> Found);

pub(super) const PROBES: &[Entry] = &[
    ("docker-socket", Sees::Outside, |world| connected(&world.place.join("run/docker.sock"))),
    ("session-bus", Sees::Outside, |world| connected(&world.place.join("run/bus"))),
    ("real-docker-socket", Sees::Perhaps("no docker runs"), |_| {
        connected(Path::new("/var/run/docker.sock"))
    }),
    ("real-system-bus", Sees::Perhaps("no bus runs"), |_| {
        connected(Path::new("/run/dbus/system_bus_socket"))
    }),
    ("ssh-agent", Sees::Outside, |world| {
        let path = std::env::var("SSH_AUTH_SOCK").unwrap_or_default();
        connected(Path::new(&path)).or_else(|_| connected(&world.place.join("run/agent")))
    }),
    ("abstract-socket", Sees::Outside, |world| {
        let address = SocketAddr::from_abstract_name(world.abstract_name()).unwrap();
        let stream = UnixStream::connect_addr(&address);
        stream.map(|_| "connected".into()).map_err(|error| error.to_string())
    }),
    ("tcp", Sees::Outside, |world| {
        let stream = TcpStream::connect(("127.0.0.1", world.tcp));
        stream.map(|_| "connected".into()).map_err(|error| error.to_string())
    }),
    ("name-server", Sees::Outside, |world| asked(world).map_err(|error| error.to_string())),
    ("other-interfaces", Sees::Perhaps("a machine without a network"), |_| {
        let text = std::fs::read_to_string("/proc/net/dev").map_err(|error| error.to_string())?;
        let names = text.lines().skip(2).filter_map(|line| line.trim().split(':').next());
        let names: Vec<&str> = names.filter(|name| *name != "lo").collect();
        if names.is_empty() { Err("only loopback".into()) } else { Ok(names.join(" ")) }
    }),
    ("route-out", Sees::Perhaps("a machine without a network"), |_| {
        let socket = UdpSocket::bind("0.0.0.0:0").map_err(|error| error.to_string())?;
        socket.connect("192.0.2.1:53").map_err(|error| error.to_string())?;
        Ok(format!("would send from {:?}", socket.local_addr()))
    }),
    ("packet-socket", Sees::AsRoot, |_| socket(AddressFamily::PACKET, SocketType::RAW)),
    ("raw-socket", Sees::AsRoot, |_| {
        let icmp = Some(rustix::net::ipproto::ICMP);
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::RAW, icmp);
        socket.map(|_| "has a socket for ICMP".into()).map_err(|error| error.to_string())
    }),
    ("vsock", Sees::Perhaps("kernels without it"), |_| {
        socket(AddressFamily::VSOCK, SocketType::STREAM)
    }),
    ("crypto-socket", Sees::Perhaps("kernels without it"), |_| {
        socket(AddressFamily::from_raw(38), SocketType::SEQPACKET)
    }),
];

fn connected(path: &Path) -> Found {
    let stream = UnixStream::connect(path);
    stream.map(|_| format!("connected to {}", path.display())).map_err(|error| error.to_string())
}

fn asked(world: &World) -> std::io::Result<String> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    socket.send_to(b"who", ("127.0.0.1", world.udp))?;
    let mut answer = [0; 8];
    socket.recv_from(&mut answer)?;
    Ok("it answered".into())
}

fn socket(family: AddressFamily, kind: SocketType) -> Found {
    let socket = rustix::net::socket(family, kind, None);
    socket.map(|_| format!("has a socket of {family:?}")).map_err(|error| error.to_string())
}
