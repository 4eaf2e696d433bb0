//! The tree against the vectors of transparency-dev/merkle and against the `ct-merkle` crate.

use std::io::Read as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use omg_audit::verify::Proof;
use omg_audit::{Bytes, Hash};
use serde_json::Value;
use sha2::Digest as _;

fn hash(value: &Value) -> Option<Hash> {
    let bytes = STANDARD.decode(value.as_str()?).ok()?;
    bytes.try_into().ok().map(Bytes)
}

/// Roots of the vectors about sizes are short texts, for code that takes any bytes: here digests of them.
fn root(value: &Value) -> Option<Hash> {
    let text = STANDARD.decode(value.as_str()?).ok()?;
    hash(value).or_else(|| Some(Bytes(sha2::Sha256::digest(text).into())))
}

fn proof(value: &Value) -> Option<Proof> {
    match value {
        Value::Null => Some(Proof::default()),
        Value::Array(items) => items.iter().map(hash).collect::<Option<_>>().map(Proof),
        _ => None,
    }
}

fn vectors() -> Option<Vec<(String, Value)>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let data =
        std::env::var_os("OMG_TEST_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let path = data.join("sigstore/merkle-vectors.tar.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{} is needed", path.display());
        eprintln!("SKIPPED: {} is not there", path.display());
        return None;
    };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut vectors = Vec::new();
    for file in archive.entries().unwrap() {
        let mut file = file.unwrap();
        let name = file.path().unwrap().display().to_string();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        if name.rsplit_once('.').is_some_and(|(_, end)| end == "json") {
            vectors.push((name, serde_json::from_str(&text).unwrap()));
        }
    }
    Some(vectors)
}

/// What the vectors call an error: also a size, a hash or a proof that can't be one.
fn holds(name: &str, vector: &Value) -> Option<bool> {
    let number = |key: &str| vector[key].as_u64();
    let proof = proof(&vector["proof"]);
    if name.starts_with("inclusion/") {
        let check = || {
            let (leaf, root) = (hash(&vector["leafHash"])?, hash(&vector["root"])?);
            proof?.includes(&leaf, number("leafIdx")?, number("treeSize")?, &root).ok()
        };
        return Some(check().is_some());
    }
    if name.starts_with("consistency/") {
        let check = || {
            let (before, after) = (root(&vector["root1"])?, root(&vector["root2"])?);
            proof?.extends(number("size1")?, &before, number("size2")?, &after).ok()
        };
        return Some(check().is_some());
    }
    None
}

#[test]
fn vectors_of_transparency_dev() {
    let Some(vectors) = vectors() else { return };
    let (mut good, mut bad, mut wrong) = (0, 0, Vec::new());
    for (name, vector) in &vectors {
        let Some(holds) = holds(name, vector) else { continue };
        if vector["wantErr"].as_bool().unwrap() {
            bad += 1;
        } else {
            good += 1;
        }
        if holds == vector["wantErr"].as_bool().unwrap() {
            wrong.push(name);
        }
    }
    assert_eq!(wrong, Vec::<&String>::new());
    assert!(good > 8 && bad > 150, "{good} good, {bad} bad");
}

struct Leaf(u64);

impl ct_merkle::HashableLeaf for Leaf {
    fn hash<H: sha2::digest::Update>(&self, hasher: &mut H) {
        hasher.update(&self.0.to_be_bytes());
    }
}

#[test]
fn the_same_proofs_as_ct_merkle() {
    let mut tree = MemoryBackedTree::<sha2::Sha256, Leaf>::new();
    let (mut leaves, mut roots) = (Vec::new(), Vec::new());
    for size in 1..=70_u64 {
        tree.push(Leaf(size));
        let leaf =
            sha2::Sha256::new().chain_update([0]).chain_update(size.to_be_bytes()).finalize();
        leaves.push(Bytes(leaf.into()));
        let root: Hash = Bytes(tree.root().as_bytes().as_slice().try_into().unwrap());
        roots.push(root);
        for index in 0..leaves.len() {
            let proof = Proof::of_inclusion(&leaves, index).unwrap();
            let theirs = tree.prove_inclusion(index);
            assert_eq!(bytes(&proof), theirs.as_bytes(), "{index} of {size}");
            proof.includes(&leaves[index], index as u64, size, &root).unwrap();
            proof.includes(&leaves[index], index as u64, size, &Hash::default()).unwrap_err();
        }
        for old in 1..leaves.len() {
            let proof = Proof::of_consistency(&leaves, old).unwrap();
            let theirs = tree.prove_consistency(leaves.len() - old);
            assert_eq!(bytes(&proof), theirs.as_bytes(), "{old} to {size}");
            proof.extends(old as u64, &roots[old - 1], size, &root).unwrap();
            proof.extends(old as u64, &Hash::default(), size, &root).unwrap_err();
        }
    }
    assert_eq!(Proof::of_inclusion(&leaves, 70), None);
    assert_eq!(Proof::of_consistency(&leaves, 71), None);
}

fn bytes(proof: &Proof) -> Vec<u8> {
    proof.0.iter().flat_map(|hash| hash.0).collect()
}
