//! scratch
use omg_backend::PackageManager;
use omg_core::*;
#[derive(Default)]
struct Null {
    n: usize,
    off: usize,
    rel: usize,
    warn: Vec<String>,
    repos: Vec<Repository>,
    cand: usize,
    bytes: usize,
    prov: usize,
    lines: Vec<String>,
    keep: bool,
}
impl Sink for Null {
    fn repository(&mut self, r: &Repository) -> Result<RepositoryId, Fault> {
        self.repos.push(r.clone());
        Ok(RepositoryId(self.repos.len() as u16 - 1))
    }
    fn package(&mut self, p: &Available<'_>) -> Result<(), Fault> {
        self.n += 1;
        self.off += p.versions.len();
        self.rel += p.relations.len();
        self.prov += p.provides.len();
        if p.candidate.is_some() {
            self.cand += 1
        };
        self.bytes += p.versions.iter().map(|v| v.record.len()).sum::<usize>();
        if self.keep {
            self.lines.push(format!(
                "{} {} {} {:?} {:?}",
                p.name,
                p.architecture,
                p.description,
                p.candidate,
                p.versions
                    .iter()
                    .map(|v| (v.version, v.repository, v.priority))
                    .collect::<Vec<_>>()
            ))
        }
        Ok(())
    }
    fn warning(&mut self, m: String) {
        self.warn.push(m)
    }
}
fn main() {
    let rt = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let root = std::env::args().nth(1).unwrap_or("/".into());
    let keep = std::env::args().nth(2).is_some();
    let t = std::time::Instant::now();
    let d = omg_backend_dpkg::Dpkg::open(std::path::Path::new(&root)).unwrap();
    println!("open {:?}", t.elapsed());
    for _ in 0..40 {
        let t = std::time::Instant::now();
        let g = rt.block_on(d.generations()).unwrap();
        let tg = t.elapsed();
        let t = std::time::Instant::now();
        let s = rt.block_on(d.packages(Null { keep, ..Null::default() })).unwrap();
        println!(
            "{:?} gen {tg:?} {g:?}; n {} offers {} rel {} prov {} cand {} bytes {}",
            t.elapsed(),
            s.n,
            s.off,
            s.rel,
            s.prov,
            s.cand,
            s.bytes
        );
        println!("{}", rss()); if keep {
            for r in &s.repos {
                println!("{r:?}");
            }
            for w in &s.warn {
                println!("W {w}");
            }
            for l in &s.lines {
                println!("{l}");
            }
            println!("{:?} {:?}", d.watched(), d.refreshed_at());
            break;
        }
    }
}
#[allow(dead_code)]
fn rss() -> String { std::fs::read_to_string("/proc/self/status").unwrap().lines().filter(|l| l.starts_with("VmRSS") || l.starts_with("VmHWM")).collect::<Vec<_>>().join(" ") }
