//! Where things are: the repository's root, the target directory, the packages, the tracked files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell::Tool;

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the repository")
}

/// The target directory of the workspace. Builds with other compiler flags get a folder of their own in it, so that
/// they do not throw away each other's results.
pub(crate) fn target_directory() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => root().join(directory),
        None => root().join("target"),
    }
}

/// One package of the workspace, as far as the tasks care.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Relative to the repository's root, with `/`.
    pub(crate) folder: String,
    pub(crate) has_library: bool,
    pub(crate) has_example: bool,
    /// Never published: developer tools.
    pub(crate) is_private: bool,
    /// Has models for loom.
    pub(crate) uses_loom: bool,
    /// Names of the workspace's own packages that it depends on, in any way.
    pub(crate) own_dependencies: Vec<OwnDependency>,
}

/// A dependency of one of the workspace's packages on another.
pub(crate) struct OwnDependency {
    pub(crate) name: String,
    /// For tests, examples and benches only.
    pub(crate) for_development: bool,
}

/// All packages of the workspace, from `cargo metadata`.
pub(crate) fn packages() -> Result<Vec<Package>> {
    let text = Tool::cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata is not JSON")?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    packages.iter().map(package).collect()
}

fn package(metadata: &Value) -> Result<Package> {
    let text =
        |value: &Value| value.as_str().map(str::to_owned).context("cargo metadata: a string is missing");
    let name = text(&metadata["name"])?;
    let manifest = PathBuf::from(text(&metadata["manifest_path"])?);
    let folder = manifest.parent().and_then(|folder| folder.strip_prefix(root()).ok());
    let folder = folder.with_context(|| format!("{name} is outside the repository"))?;
    let targets = metadata["targets"].as_array().context("cargo metadata: targets are missing")?;
    let has = |wanted: &str| {
        targets.iter().any(|target| {
            target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == wanted))
        })
    };
    let dependencies =
        metadata["dependencies"].as_array().context("cargo metadata: dependencies are missing")?;
    let own_dependencies = dependencies
        .iter()
        .filter(|dependency| dependency["path"].is_string())
        .map(|dependency| {
            Ok(OwnDependency {
                name: text(&dependency["name"])?,
                for_development: dependency["kind"] == "dev",
            })
        })
        .collect::<Result<_>>()?;
    Ok(Package {
        name,
        folder: folder.to_string_lossy().replace('\\', "/"),
        has_library: has("lib"),
        has_example: has("example"),
        is_private: metadata["publish"].as_array().is_some_and(Vec::is_empty),
        uses_loom: dependencies.iter().any(|dependency| dependency["name"] == "loom"),
        own_dependencies,
    })
}

/// Every file that git tracks or would track, relative to the root, sorted.
pub(crate) fn tracked_files() -> Result<Vec<String>> {
    let text = Tool::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .context("the list of files comes from git")?;
    let mut files: Vec<String> =
        text.split_terminator('\0').filter(|file| root().join(file).is_file()).map(str::to_owned).collect();
    files.sort_unstable();
    files.dedup();
    Ok(files)
}

/// Whether this runs unattended, where a missing tool is an error and not a remark.
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// The full path of a program in `PATH`, or `None`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|candidate| candidate.is_file())
}
