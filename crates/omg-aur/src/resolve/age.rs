//! The time that a release has to be out before it is built: what was pushed a moment ago has been
//! looked at by nobody.

use super::Resolution;

/// A recipe that is too new.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Young {
    /// Package base.
    pub base: String,
    /// A package of it that is wanted.
    pub package: String,
    /// Seconds since its last change.
    pub modified: u64,
    /// Seconds since it was first submitted.
    pub submitted: u64,
    /// Is the recipe as such new, and not only its last change?
    pub is_new: bool,
}

/// The recipes of a resolution that were changed, or first submitted, less than `min_age` seconds
/// before `now`, in the order of building. `exempt` names packages and bases that may be new. Times
/// that lie ahead count as now. A time of 0 means that the AUR did not say, which is no age.
pub fn young(resolution: &Resolution, now: u64, min_age: u64, exempt: &[&str]) -> Vec<Young> {
    let mut found = Vec::new();
    for build in &resolution.builds {
        let names = build.packages.iter().map(|package| package.name.as_str());
        let is_exempt = exempt.contains(&&*build.base) || {
            let mut names = names;
            names.all(|name| exempt.contains(&name))
        };
        let modified = build.packages.iter().map(|package| package.last_modified).max();
        let submitted = build.packages.iter().map(|package| package.first_submitted).max();
        let age = |time: Option<u64>| now.saturating_sub(time.unwrap_or(0));
        let (modified, submitted) = (age(modified), age(submitted));
        if !is_exempt && modified.min(submitted) < min_age {
            let is_new = submitted < min_age;
            let package =
                build.packages.first().map_or(&build.base, |package| &package.name).clone();
            found.push(Young { base: build.base.clone(), package, modified, submitted, is_new });
        }
    }
    found
}
