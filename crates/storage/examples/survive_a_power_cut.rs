//! Cuts the power at every disk operation of two ways to replace a file: the naive one loses data, the helper does not.
//!
//! Run with `cargo run -p lastsave-storage --example survive_a_power_cut`.

use std::path::Path;

use lastsave_storage::sim::{SimulatedRandom, SimulatedStorage};
use lastsave_storage::{FileMode, OpenOptions, Result, Storage, replace_durably_with};

const OLD: &[u8] = b"the data of last year";
const NEW: &[u8] = b"the data of this year, which is longer";

/// Cuts the file and writes it again, without a thought.
fn overwrite(storage: &dyn Storage) -> Result<()> {
    let file = storage.open(Path::new("data"), &OpenOptions::create_or_truncate())?;
    file.write_all_at(NEW, 0)?;
    file.sync()
}

/// Uses this crate's helper.
fn replace(storage: &dyn Storage) -> Result<()> {
    replace_durably_with(storage, Path::new("data.tmp"), Path::new("data"), FileMode::DATA, NEW)
}

/// How many of many power cuts leave something else than the old or the new file.
fn damaged(act: fn(&dyn Storage) -> Result<()>) -> Result<(u32, u32)> {
    let (mut cuts, mut damaged) = (0, 0);
    for seed in 0..100 {
        for operation in 0..8 {
            let storage = SimulatedStorage::new(seed);
            storage.put("data", OLD)?;
            storage.crash_after(operation);
            match act(&storage) {
                Err(error) if !error.is_crash() => return Err(error),
                _ => {}
            }
            let after = storage.crash(&mut SimulatedRandom::new(seed));
            let found = after.contents("data");
            cuts += 1;
            damaged += u32::from(found.as_deref() != Some(OLD) && found.as_deref() != Some(NEW));
        }
    }
    Ok((cuts, damaged))
}

fn main() -> Result<()> {
    for (name, act) in
        [("overwrite", overwrite as fn(&dyn Storage) -> Result<()>), ("replace_durably", replace)]
    {
        let (cuts, damaged) = damaged(act)?;
        println!("{name}: {damaged} of {cuts} power cuts damaged the file");
    }
    Ok(())
}
