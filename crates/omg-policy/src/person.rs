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
        let number = Some(uid);
        match user(&passwd, |fields| fields.get(2).and_then(|it| it.parse().ok()) == number) {
            Some(fields) => Self::of(uid, &fields, etc),
            None => Ok(Self::uid(uid)),
        }
    }

    /// Looks a user up by name. A name that is not in `passwd` is somebody without a number: nobody's.
    ///
    /// # Errors
    /// A file is there and can't be read.
    pub fn look_up_name(name: &str, etc: &Path) -> Result<Self, Error> {
        let passwd = text(&etc.join("passwd"))?;
        let fields = user(&passwd, |fields| fields.first() == Some(&name));
        let uid = fields.as_ref().and_then(|fields| fields.get(2)?.parse().ok());
        match (uid, fields) {
            (Some(uid), Some(fields)) => Self::of(uid, &fields, etc),
            _ => Ok(Self { name: Some(name.to_owned()), ..Self::uid(u32::MAX) }),
        }
    }

    /// Somebody of whom the line of `passwd` is known.
    fn of(uid: u32, fields: &[&str], etc: &Path) -> Result<Self, Error> {
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
        assert_eq!(Actor::look_up_name("ada", etc.path()).unwrap(), ada);
        assert_eq!(Actor::look_up_name("eve", etc.path()).unwrap().uid, u32::MAX);
        assert_eq!(
            (ada.name.as_deref(), &*ada.groups),
            (Some("ada"), &["wheel".to_owned(), "staff".to_owned()][..])
        );
    }
}
