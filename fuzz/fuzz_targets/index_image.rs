//! Stored images: refused, or answered from without a panic. The checksum is made to fit, so that
//! what stands behind it is reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omg_index::{Index, Marks, RowId};

fuzz_target!(|bytes: &[u8]| {
    for image in [bytes.to_vec(), omg_index::reseal(bytes)] {
        let Ok(index) = Index::open(image) else { continue };
        let marks = Marks::new(index.len());
        index.search("vim", Some(10), &marks);
        index.suggest("vmi", 3);
        for at in 0..index.len().min(64) {
            let id = RowId(at as u32);
            let _row = index.row(id);
            index.offers(id).for_each(drop);
            index.relations(id).for_each(drop);
        }
    }
});
