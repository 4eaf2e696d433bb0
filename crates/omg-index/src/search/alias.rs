//! Common names of programs whose packages are called otherwise.

/// One name per line, a tab, the packages. General knowledge, for every distribution at once: names
/// that an index does not have are passed over.
const TABLE: &str = include_str!("aliases.tsv");

/// Packages that people mean by `name`, likeliest first.
pub(crate) fn names(name: &str) -> impl Iterator<Item = &'static str> {
    let line = lines().find(|(alias, _)| *alias == name);
    line.map_or("", |(_, packages)| packages).split(',').filter(|package| !package.is_empty())
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
        assert_eq!(names("node").collect::<Vec<_>>(), ["nodejs"]);
        assert_eq!(names("no such alias").count(), 0);
    }
}
