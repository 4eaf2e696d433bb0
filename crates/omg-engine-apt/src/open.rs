//! libapt's cache, open, and the action group that holds back its sweeps.
#![expect(unsafe_code, reason = "an action group is only to be had from an unsafe function")]

use std::any::Any;
use std::cell::RefCell;

use rust_apt::Cache;

use crate::error::{Error, messages};

/// An open cache.
///
/// While an action group is held, libapt does not look for unneeded packages after every mark,
/// which takes 5 ms each time; letting it go makes libapt look once.
pub(crate) struct Open {
    // Goes before the cache: fields are dropped in the order in which they are declared.
    group: RefCell<Option<Box<dyn Any>>>,
    cache: Cache,
}

impl Open {
    /// Opens the cache that the configuration describes, with these package files in it.
    pub(crate) fn new(files: &[String]) -> Result<Self, Error> {
        let cache = Cache::new(files)
            .map_err(|errors| Error::library("the package lists can't be read", &errors))?;
        // The dependency cache is built when it is first asked for, and tells of trouble by the stack.
        cache.depcache();
        let open = Self { group: RefCell::new(None), cache };
        match messages() {
            errors if errors.is_empty() => Ok(open),
            causes => Err(Error::Library { doing: "the package lists can't be read", causes }),
        }
    }

    /// The cache alone, with its marks. libapt sweeps once more.
    pub(crate) fn into_cache(self) -> Cache {
        self.release();
        self.cache
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Holds back sweeps from here on.
    pub(crate) fn hold(&self) {
        let mut group = self.group.borrow_mut();
        if group.is_none() {
            // SAFETY: the group refers to the dependency cache that `cache` owns. It stays in this
            // struct, is handed to nobody, and is dropped before the cache.
            let held = unsafe { self.cache.depcache().action_group() };
            *group = Some(Box::new(held));
        }
    }

    /// Lets libapt sweep: now, if sweeps were held back, and after every mark from here on.
    pub(crate) fn release(&self) {
        self.group.borrow_mut().take();
    }

    /// Finds what is unneeded as things are marked now, and holds back further sweeps.
    pub(crate) fn sweep(&self) {
        self.hold();
        self.release();
        self.hold();
    }
}
