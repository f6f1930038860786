//! Upper bounds of the serving options in settings and `mien.toml`.

/// Maximum number of sessions of a model.
pub const MAX_INSTANCES: u64 = 256;

/// Maximum number of threads of an inference call.
pub const MAX_INTRA_OP_THREADS: u64 = 256;

/// Maximum number of threads of all sessions of a model. The operating system and the memory of their stacks limit them.
pub const MAX_THREADS: usize = 1024;

/// Maximum number of images of an inference call. The memory of a session grows with them.
pub const MAX_BATCH: u64 = 1024;
