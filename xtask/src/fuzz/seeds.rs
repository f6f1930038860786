//! The fuzz targets and their seeds, which are derived from the test fixtures.

mod analysis;
mod grpc;
mod signatures;

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::workspace::root;

/// File names and contents.
type Seeds = Vec<(String, Vec<u8>)>;

/// A target in `fuzz/fuzz_targets/`.
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) seeds: fn() -> Result<Seeds>,
}

pub(super) const TARGETS: [Target; 14] = [
    Target {
        name: "analysis_form",
        seeds: analysis::forms,
    },
    Target {
        name: "analysis_json",
        seeds: analysis::json,
    },
    Target {
        name: "external_data",
        seeds: external_data,
    },
    Target {
        name: "groups_csv",
        seeds: groups_csv,
    },
    Target {
        name: "grpc_messages",
        seeds: grpc::messages,
    },
    Target {
        name: "grpc_request",
        seeds: grpc::requests,
    },
    Target {
        name: "image_container",
        seeds: images,
    },
    Target {
        name: "image_decode",
        seeds: images,
    },
    Target {
        name: "json_images",
        seeds: json_images,
    },
    Target {
        name: "multipart",
        seeds: forms,
    },
    Target {
        name: "onnx_metadata",
        seeds: models,
    },
    Target {
        name: "signature_bundle",
        seeds: signatures::bundles,
    },
    Target {
        name: "signed_files",
        seeds: signatures::statements,
    },
    Target {
        name: "v2_request",
        seeds: v2_requests,
    },
];

fn images() -> Result<Seeds> {
    let mut seeds = files(
        "faces/tests/fixtures",
        &["bmp", "gif", "jpg", "png", "webp"],
    )?;
    seeds.retain(|(name, _)| !name.ends_with(".gray.png"));
    seeds.extend(files("tests/fixtures/faces", &["png"])?);
    Ok(seeds)
}

fn models() -> Result<Seeds> {
    let mut seeds = Seeds::new();
    for model in ["keras", "small", "tiny"] {
        let path = format!("tests/fixtures/models/{model}/1/model.onnx");
        seeds.push((model.to_owned(), read(&root().join(path))?));
    }
    Ok(seeds)
}

/// A model with its weights in another file, and models without external data.
fn external_data() -> Result<Seeds> {
    let mut seeds = models()?;
    let path = "tests/fixtures/external/small/1/model.onnx";
    seeds.push(("external".to_owned(), read(&root().join(path))?));
    Ok(seeds)
}

/// Images in base64, with and without line breaks, and a prefix of a data URL.
fn json_images() -> Result<Seeds> {
    let bodies = [
        ("one", r#"{"images":["R0lGODlhAQABAAAAACw="]}"#),
        (
            "two",
            r#"{"images":["R0lGODlh\nAQABAAAAACw=","data:image/gif;base64,R0lGODlhAQABAAAAACw="]}"#,
        ),
        (
            "unknown",
            r#"{"images":[],"other":{"nested":[1,2.5e3,null,true,"\u00e4"]}}"#,
        ),
    ];
    Ok(bodies
        .map(|(name, body)| (name.to_owned(), body.as_bytes().to_vec()))
        .into())
}

/// Groups of two images, with empty and quoted values.
fn groups_csv() -> Result<Seeds> {
    let files = [
        ("one", "image,light\na.png,indoor\nb.png,outdoor\n"),
        (
            "two",
            "image, light, age\r\na.png, \"out, sunny\",\r\nb.png,,18–29\r\n",
        ),
        ("invalid", "image;light\na.png;indoor\n"),
    ];
    Ok(files
        .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
        .into())
}

/// Forms with one and with two images. The first byte is the size of the chunks that the form arrives in.
fn forms() -> Result<Seeds> {
    let image = face()?;
    let part = |name: &str| {
        let head = format!(
            "--fuzz\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"face.png\"\r\n\
             Content-Type: image/png\r\n\r\n"
        );
        [head.as_bytes(), &image, b"\r\n"].concat()
    };
    let form = |parts: &[Vec<u8>]| [b"\x40", &*parts.concat(), b"--fuzz--\r\n"].concat();
    Ok(vec![
        ("one".to_owned(), form(&[part("image")])),
        ("two".to_owned(), form(&[part("image"), part("image")])),
        ("unknown".to_owned(), form(&[part("other")])),
    ])
}

/// Requests in JSON and with binary data. The first two bytes are the length of the JSON, little-endian.
fn v2_requests() -> Result<Seeds> {
    let request = |json: &str, data: &[u8]| {
        let length = u16::try_from(json.len()).context("the JSON is too long")?;
        anyhow::Ok([&length.to_le_bytes(), json.as_bytes(), data].concat())
    };
    let numbers = r#"{"id":"1","inputs":[{"name":"image","shape":[1,2,2],"datatype":"UINT8","data":[[[0,1],[2,255]]]}]}"#;
    let bytes = r#"{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["R0lGODlhAQABAAAAACw="]}],
        "outputs":[{"name":"probabilities","parameters":{"classification":3}}],"parameters":{"timeout":1000,"priority":2}}"#;
    let image = face()?;
    let binary = format!(
        r#"{{"inputs":[{{"name":"image","shape":[{0}],"datatype":"UINT8","parameters":{{"binary_data_size":{0}}}}}],
        "parameters":{{"binary_data_output":true}}}}"#,
        image.len()
    );
    Ok(vec![
        ("numbers".to_owned(), request(numbers, &[])?),
        ("bytes".to_owned(), request(bytes, &[])?),
        ("binary".to_owned(), request(&binary, &image)?),
    ])
}

fn face() -> Result<Vec<u8>> {
    read(&root().join("tests/fixtures/faces/happy.png"))
}

/// All files of a directory with one of these extensions.
fn files(directory: &str, extensions: &[&str]) -> Result<Seeds> {
    let directory = root().join(directory);
    let mut seeds = Seeds::new();
    let entries =
        fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))?;
    for entry in entries {
        let path = entry?.path();
        let extension = path.extension().unwrap_or_default();
        if extensions.iter().any(|known| extension == *known) {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            seeds.push((name, read(&path)?));
        }
    }
    Ok(seeds)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_target_has_seeds_and_a_file() {
        let folder = root().join("fuzz/fuzz_targets");
        let entries = fs::read_dir(folder).unwrap();
        let files: BTreeSet<String> = entries
            .map(|entry| {
                entry
                    .unwrap()
                    .file_name()
                    .into_string()
                    .unwrap()
                    .replace(".rs", "")
            })
            .collect();
        let names: BTreeSet<String> = TARGETS
            .iter()
            .map(|target| target.name.to_owned())
            .collect();
        assert_eq!(files, names);
        for target in TARGETS {
            let seeds = (target.seeds)().unwrap();
            assert!(seeds.len() >= 3, "{}", target.name);
        }
    }
}
