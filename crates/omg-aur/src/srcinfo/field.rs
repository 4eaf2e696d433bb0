//! The fields of a `.SRCINFO`.

/// Makes the enum, its words and the table of what may stand where, so that none can be forgotten.
macro_rules! fields {
    ($($name:ident $word:literal $many:literal $own:literal $arch:literal,)*) => {
        /// A field, as makepkg's `schema.sh` and `srcinfo.sh` (pacman 6.0.2) know it.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Field {
            $(#[doc = concat!("`", $word, "`")] $name,)*
        }

        impl Field {
            /// Every field.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word in the file.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// May it have several values?
            pub fn is_list(self) -> bool {
                match self { $(Self::$name => $many,)* }
            }

            /// May a package of the base have its own?
            pub fn is_overridable(self) -> bool {
                match self { $(Self::$name => $own,)* }
            }

            /// May there be one for a single architecture, as `depends_x86_64`?
            pub fn is_per_architecture(self) -> bool {
                match self { $(Self::$name => $arch,)* }
            }
        }
    };
}

// name, word, several values, own for a package, own for an architecture
fields! {
    Description "pkgdesc" false true false,
    Version "pkgver" false false false,
    Release "pkgrel" false false false,
    Epoch "epoch" false false false,
    Url "url" false true false,
    Install "install" false true false,
    Changelog "changelog" false true false,
    Architecture "arch" true true false,
    Groups "groups" true true false,
    License "license" true true false,
    CheckDepends "checkdepends" true true true,
    MakeDepends "makedepends" true false true,
    Depends "depends" true true true,
    OptDepends "optdepends" true true true,
    Provides "provides" true true true,
    Conflicts "conflicts" true true true,
    Replaces "replaces" true true true,
    NoExtract "noextract" true false false,
    Options "options" true true false,
    Backup "backup" true true false,
    Source "source" true false true,
    ValidPgpKeys "validpgpkeys" true false false,
    CkSums "cksums" true false true,
    Md5Sums "md5sums" true false true,
    Sha1Sums "sha1sums" true false true,
    Sha224Sums "sha224sums" true false true,
    Sha256Sums "sha256sums" true false true,
    Sha384Sums "sha384sums" true false true,
    Sha512Sums "sha512sums" true false true,
    B2Sums "b2sums" true false true,
}

impl Field {
    /// The lists of checksums, weakest first.
    pub const SUMS: [Self; 8] = [
        Self::CkSums,
        Self::Md5Sums,
        Self::Sha1Sums,
        Self::Sha224Sums,
        Self::Sha256Sums,
        Self::Sha384Sums,
        Self::Sha512Sums,
        Self::B2Sums,
    ];

    /// The field of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.as_str() == word)
    }

    /// Takes a key apart: `depends_x86_64` is `depends` of `x86_64`.
    pub(super) fn of_key(key: &str) -> Option<(Self, Option<&str>)> {
        if let Some(field) = Self::from_word(key) {
            return Some((field, None));
        }
        let (word, architecture) = key.split_once('_')?;
        let field = Self::from_word(word).filter(|field| field.is_per_architecture())?;
        Some((field, Some(architecture)))
    }
}
