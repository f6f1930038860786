//! Reads HDF5 files: layers with their arrays, and the model's config.
//!
//! There are two layouts. Keras 2 and the `.h5` files of Keras 3 have one group per layer. The attribute `layer_names` lists
//! them; a long list is split into `layer_names0`, `layer_names1`, ... Each group has an attribute `weight_names`.
//! `.weights.h5` files have arrays `layers/<kind>_<number>/vars/<number>` (Keras 3) or
//! `_layer_checkpoint_dependencies/<kind>_<number>/vars/<number>` (Keras 2.13).

use half::f16;
use hdf5_reader::{Dataset, Datatype, Hdf5File, OpenOptions, error::Error, group::Group};

use super::error::KerasError;

/// Maximum size of an array in bytes. The largest array of the catalogue's networks has 256 KB.
const MAX_ARRAY_BYTES: usize = 1 << 28;

/// Groups with the numbered layers of `.weights.h5` files: of Keras 3, and of Keras 2.13.
const NUMBERED: [&str; 2] = ["layers", "_layer_checkpoint_dependencies"];

/// One array of a layer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array {
    /// Last part of the name, such as `kernel`.
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// A layer that has weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) arrays: Vec<Array>,
}

/// Contents of a Keras file.
#[derive(Debug)]
pub(super) struct KerasFile {
    /// JSON of `model_config`; absent in files with only weights.
    pub(super) config: Option<String>,
    /// The Keras version that saved it.
    pub(super) version: String,
    /// Layers that have weights, in the file's order.
    pub(super) layers: Vec<Layer>,
}

impl KerasFile {
    pub(super) fn decode(bytes: Vec<u8>) -> Result<Self, KerasError> {
        // HDF5 allows a user block before the signature, but Keras does not write one.
        if !bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
            return Err(KerasError::NotHdf5);
        }
        let options = OpenOptions::default()
            .with_max_read_bytes(MAX_ARRAY_BYTES)
            .with_max_chunk_bytes(MAX_ARRAY_BYTES);
        let file =
            Hdf5File::from_vec_with_options(bytes, options).map_err(damaged("superblock"))?;
        let root = file.root_group().map_err(damaged("root group"))?;
        let (groups, _) = root.member_names().map_err(damaged("root group"))?;
        let has = |name: &str| groups.iter().any(|group| group == name);
        let config = strings(&root, "model_config")?.and_then(|texts| texts.into_iter().next());
        let weights = match has("model_weights") {
            true => root
                .group("model_weights")
                .map_err(damaged("model_weights"))?,
            false => root,
        };
        let version = strings(&weights, "keras_version")?
            .unwrap_or_default()
            .concat();
        let layers = match strings(&weights, "layer_names")? {
            Some(names) => listed(&weights, names)?,
            None => {
                let layers = NUMBERED.into_iter().find(|name| has(name));
                numbered(&weights, layers.ok_or(KerasError::NoWeights)?)?
            }
        };
        Ok(Self {
            config,
            version,
            layers,
        })
    }
}

/// Returns a function that converts an error of the HDF5 reader.
fn damaged(place: impl Into<String>) -> impl FnOnce(Error) -> KerasError {
    move |error| KerasError::Damaged {
        place: place.into(),
        detail: error.to_string(),
    }
}

/// Returns the strings of an attribute, which can be split into `<name>0`, `<name>1`, ... Returns `None` if it is missing.
fn strings(group: &Group, name: &str) -> Result<Option<Vec<String>>, KerasError> {
    let place = || format!("attribute `{name}` of `{}`", group.name());
    let attributes = group.attributes().map_err(damaged(place()))?;
    let find = |name: &str| attributes.iter().find(|attribute| attribute.name == name);
    let mut parts: Vec<_> = find(name).into_iter().collect();
    if parts.is_empty() {
        parts.extend((0..).map_while(|part| find(&format!("{name}{part}"))));
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let mut texts = Vec::new();
    for part in parts {
        // Keras writes the names of a layer without weights as an empty array of numbers.
        if part.num_elements().map_err(damaged(place()))? == 0 {
            continue;
        }
        let read = match part.shape.is_empty() {
            true => part.read_string().map(|text| vec![text]),
            false => part.read_strings(),
        };
        texts.extend(read.map_err(damaged(place()))?);
    }
    Ok(Some(texts))
}

/// Returns the layers that `layer_names` lists.
fn listed(weights: &Group, names: Vec<String>) -> Result<Vec<Layer>, KerasError> {
    let mut layers = Vec::new();
    for name in names {
        let group = descend(weights, &name)?;
        let mut arrays = Vec::new();
        for path in strings(&group, "weight_names")?.unwrap_or_default() {
            let (folder, last) = path.rsplit_once('/').unwrap_or(("", path.as_str()));
            arrays.push(array(&descend(&group, folder)?, last)?);
        }
        if !arrays.is_empty() {
            layers.push(Layer { name, arrays });
        }
    }
    Ok(layers)
}

/// Returns the layers of a `.weights.h5` file: `layers/conv2d/vars/0`, `layers/conv2d_1/vars/0`, ... The numbers of a kind
/// follow the order of the model. Keras 2.13 leaves gaps between the numbers.
fn numbered(weights: &Group, layers: &str) -> Result<Vec<Layer>, KerasError> {
    let group = descend(weights, layers)?;
    let (mut names, _) = group.member_names().map_err(damaged(layers))?;
    names.sort_by_cached_key(|name| kind_and_number(name));
    let mut found = Vec::new();
    for name in names {
        let vars = descend(&group, &format!("{name}/vars"))?;
        let (_, mut members) = vars
            .member_names()
            .map_err(damaged(format!("{layers}/{name}")))?;
        members.sort_by_key(|member| member.parse::<usize>().unwrap_or(usize::MAX));
        let arrays = members.iter().map(|member| array(&vars, member));
        let arrays: Vec<Array> = arrays.collect::<Result<_, _>>()?;
        if !arrays.is_empty() {
            found.push(Layer { name, arrays });
        }
    }
    Ok(found)
}

/// Splits `conv2d_12` into `("conv2d", 12)`. The first layer of a kind does not have a number; 0 is returned for it.
pub(super) fn kind_and_number(name: &str) -> (String, usize) {
    match name
        .rsplit_once('_')
        .map(|(kind, number)| (kind, number.parse()))
    {
        Some((kind, Ok(number))) => (kind.to_owned(), number),
        _ => (name.to_owned(), 0),
    }
}

fn descend(group: &Group, path: &str) -> Result<Group, KerasError> {
    let mut group = group.clone();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        group = group
            .group(part)
            .map_err(damaged(format!("group `{path}`")))?;
    }
    Ok(group)
}

fn array(group: &Group, name: &str) -> Result<Array, KerasError> {
    let place = || format!("array `{}/{name}`", group.name());
    let dataset = group.dataset(name).map_err(damaged(place()))?;
    let shape = dataset.shape().iter().map(|&n| n as usize).collect();
    let values = values(&dataset, &place)?;
    // Keras 2 appends the number of the output to names: `kernel:0`.
    let name = name.split(':').next().unwrap_or(name).to_owned();
    Ok(Array {
        name,
        shape,
        values,
    })
}

/// Reads float16, float32 or float64 values as float32.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only floating-point numbers are read"
)]
fn values(dataset: &Dataset, place: &dyn Fn() -> String) -> Result<Vec<f32>, KerasError> {
    let read = match dataset.dtype() {
        Datatype::FloatingPoint { size: 2, .. } => dataset.read_native_bytes().map(|bytes| {
            let (numbers, _) = bytes.as_chunks();
            let number = |&bytes: &[u8; 2]| f16::from_ne_bytes(bytes).to_f32();
            numbers.iter().map(number).collect()
        }),
        Datatype::FloatingPoint { size: 8, .. } => dataset
            .read_array::<f64>()
            .map(|values| values.into_iter().map(|value| value as f32).collect()),
        Datatype::FloatingPoint { .. } => dataset
            .read_array::<f32>()
            .map(|values| values.into_iter().collect()),
        other => {
            return Err(KerasError::ElementType {
                array: place(),
                found: describe(other),
            });
        }
    };
    read.map_err(damaged(place()))
}

/// Returns the name of a type that is not a floating-point number.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only floating-point numbers are read"
)]
fn describe(datatype: &Datatype) -> String {
    match datatype {
        Datatype::FixedPoint { size, .. } => format!("integers of {size} bytes"),
        // h5py stores bfloat16 as opaque values of two bytes.
        Datatype::Opaque { size: 2, .. } => "bfloat16 or another opaque type of 2 bytes".to_owned(),
        _ => "values that are not numbers".to_owned(),
    }
}
