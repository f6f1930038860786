//! The wheels of the CUDA libraries.

use crate::wheel::{Rule, Wheel};

const CUDA_TOOLKIT: &[Rule] = &[Rule {
    prefix: "nvidia/cu13/lib/",
    infix: ".so",
    into: "",
}];

/// CUDA 13.0 and cuDNN 9 for ONNX Runtime and libtorch. The versions are those that the torch wheel requires (through
/// `cuda-toolkit==13.0.3`). They are within the ranges of the ONNX Runtime wheel.
pub(in crate::setup) const NVIDIA: &[Wheel] = &[
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
pub(in crate::setup) const NVIDIA_TRAINING: &[Wheel] = &[
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
