//! Reads the messages of a call from bytes, for the fuzz target `grpc_messages`.

use bytes::Bytes;
use tonic::Status;

use super::{
    assembler::{Assembler, Message},
    encoding::Encoding,
    memory::Memory,
};
use crate::{
    grpc::{calls, message_memory},
    intake::memory_limit::BodyMemoryLimit,
};

/// Maximum size of a message, and of all messages together, in bytes.
const MAX: usize = 1 << 20;

/// Reads inference messages that arrive in chunks. Compressed messages are decompressed with gzip.
///
/// # Errors
/// Returns the error that ends the call.
pub(crate) fn read_messages(bytes: &[u8], chunk: usize) -> Result<(), Status> {
    let call = calls::find("/inference.GRPCInferenceService/ModelStreamInfer");
    let memory = Memory::new(MAX, BodyMemoryLimit::new(MAX)).of(call);
    let mut assembler = Assembler::new(memory.clone());
    for chunk in bytes.chunks(chunk.max(1)) {
        let mut rest = Bytes::copy_from_slice(chunk);
        while let Some(message) = assembler.feed(&mut rest)? {
            let Message {
                is_compressed,
                bytes,
                reservation: _reservation,
            } = message;
            if is_compressed {
                let (bytes, _reservation) = Encoding::Gzip.decompress(&bytes, &memory)?;
                message_memory::decoded(&bytes)?;
            } else {
                message_memory::decoded(&bytes)?;
            }
        }
    }
    Ok(())
}
