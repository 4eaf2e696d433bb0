//! Who somebody is, by the files of the user database: passwd(5), group(5).

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::{Actor, Error};

/// Most bytes read of either file.
const LIMIT: u64 = 8 * 1024 * 1024;

impl Actor {
    /// Looks a user up in `passwd` and `group` below `etc`. Somebody who is in neither has a number and
    /// nothing else. Directories on the network are not asked.
    ///
    /// # Errors
    /// A file is there and can't be read.
    pub fn look_up(uid: u32, etc: &Path) -> Result<Self, Error> {
        let passwd = text(&etc.join("passwd"))?;
        let user = passwd
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields.get(2).and_then(|field| field.parse::<u32>().ok()) == Some(uid));
        let Some(fields) = user else { return Ok(Self::uid(uid)) };
        let name = fields.first().map(|name| (*name).to_owned());
        let own_group = fields.get(3).and_then(|field| field.parse::<u32>().ok());
        let group = text(&etc.join("group"))?;
        let groups = group.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let gid = fields.get(2)?.parse::<u32>().ok()?;
            let member = fields
                .get(3)
                .is_some_and(|members| members.split(',').any(|it| Some(it) == name.as_deref()));
            (member || Some(gid) == own_group).then(|| fields.first().map(|it| (*it).to_owned()))?
        });
        let groups = groups.collect();
        Ok(Self { uid, name, groups })
    }
}

fn user<'a>(passwd: &'a str, is: impl Fn(&[&'a str]) -> bool) -> Option<Vec<&'a str>> {
    passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| is(fields))
}

fn text(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes).map_err(failed)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_has_a_name_and_groups() {
        let etc = tempfile::tempdir().unwrap();
        let ada = Actor::look_up(1000, etc.path()).unwrap();
        assert_eq!(ada, Actor::uid(1000));
        std::fs::write(etc.path().join("passwd"), "root:x:0:0::/:\nada:x:1000:7::/:\n").unwrap();
        std::fs::write(
            etc.path().join("group"),
            "wheel:x:1:root,ada\nstaff:x:7:\nx:y\nno:x:3:adam\n",
        )
        .unwrap();
        let ada = Actor::look_up(1000, etc.path()).unwrap();
        assert_eq!(
            (ada.name.as_deref(), &*ada.groups),
            (Some("ada"), &["wheel".to_owned(), "staff".to_owned()][..])
        );
    }
}
