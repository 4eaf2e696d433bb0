//! What people call a thing, where neither name nor description says it.

/// A line each: a common name, a tab, the packages that people mean by it, likeliest first. A `*`
/// before a package means those that provide it. General knowledge, for every distribution at once:
/// names that an index does not have are passed over.
const TABLE: &str = include_str!("aliases.tsv");

/// Words of like meaning: one for the other.
const TWINS: &[(&str, &str)] = &[
    ("app", "application"),
    ("dns", "domain name"),
    ("ebook", "e-book"),
    ("email", "mail"),
    ("gui", "graphical"),
    ("photo", "image"),
    ("picture", "image"),
    ("reader", "viewer"),
    ("viewer", "reader"),
    ("visual", "graphical"),
    ("web", "http"),
    ("version", "revision"),
    ("torrent", "bittorrent"),
    ("wifi", "wireless"),
];

/// Packages that people mean by `name`, likeliest first.
pub(crate) fn packages(name: &str) -> impl Iterator<Item = &'static str> {
    targets(name).filter(|target| !target.starts_with('*'))
}

/// Virtual packages that people mean by `name`.
pub(crate) fn virtuals(name: &str) -> impl Iterator<Item = &'static str> {
    targets(name).filter_map(|target| target.strip_prefix('*'))
}

/// Words that mean much the same.
pub(crate) fn twins(word: &str) -> impl Iterator<Item = &'static str> {
    TWINS.iter().filter(move |(one, _)| *one == word).map(|(_, other)| *other)
}

fn targets(name: &str) -> impl Iterator<Item = &'static str> {
    let line = lines().find(|(alias, _)| *alias == name);
    line.map_or("", |(_, targets)| targets).split(',').filter(|target| !target.is_empty())
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_folded_and_without_repeats() {
        let names: Vec<&str> = lines().map(|(alias, _)| alias).collect();
        assert!(names.is_sorted_by(|a, b| a < b));
        assert!(names.iter().all(|name| crate::text::fold(name) == *name));
    }

    #[test]
    fn names_come_in_order() {
        assert_eq!(packages("node").collect::<Vec<_>>(), ["nodejs"]);
        assert_eq!(virtuals("web server").collect::<Vec<_>>(), ["httpd"]);
        assert_eq!(packages("no such alias").count(), 0);
    }
}
