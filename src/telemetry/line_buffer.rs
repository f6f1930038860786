//! Writes log lines on a thread of their own, so that a reader that stands still does not stop the threads that log.
//!
//! Lines wait in a buffer that is bounded in bytes. Lines that do not fit are dropped and counted.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

use mien_host::sync::lock;
use prometheus::IntCounter;
use tracing_subscriber::fmt::MakeWriter;

/// Maximum size of the waiting lines in bytes. The thread may hold as much again while it writes.
const CAPACITY: usize = 1 << 20;

/// A buffer of log lines and the thread that writes them. Clones share both.
#[derive(Clone)]
pub(super) struct LineBuffer(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Notifies when lines arrive and when they are written.
    changed: Condvar,
    capacity: usize,
    dropped: IntCounter,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    /// Number of lines in `lines`.
    count: u64,
    is_writing: bool,
}

impl LineBuffer {
    /// Starts the thread, which writes to `out`. `dropped` counts the lines that do not fit or cannot be written.
    pub(super) fn start(out: impl Write + Send + 'static, dropped: IntCounter) -> io::Result<Self> {
        Self::with_capacity(CAPACITY, out, dropped)
    }

    fn with_capacity(
        capacity: usize,
        out: impl Write + Send + 'static,
        dropped: IntCounter,
    ) -> io::Result<Self> {
        let buffer = Self(Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            capacity,
            dropped,
        }));
        let shared = Arc::clone(&buffer.0);
        thread::Builder::new()
            .name("mien-log".to_owned())
            .spawn(move || shared.write_lines(out))?;
        Ok(buffer)
    }

    /// Adds a line, or drops it if it does not fit.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = lock(&self.0.state);
        if state.lines.len().saturating_add(line.len()) > self.0.capacity {
            self.0.dropped.inc();
            return;
        }
        let was_empty = state.lines.is_empty();
        state.lines.extend_from_slice(line);
        state.count += 1;
        drop(state);
        if was_empty {
            self.0.changed.notify_all();
        }
    }

    /// Waits until all lines are written, at most `time`.
    pub(super) fn flush(&self, time: Duration) {
        let is_pending = |state: &mut State| state.is_writing || !state.lines.is_empty();
        let state = lock(&self.0.state);
        let waited = self.0.changed.wait_timeout_while(state, time, is_pending);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Shared {
    fn write_lines(&self, mut out: impl Write) {
        let (mut lines, mut reported) = (Vec::new(), self.dropped.get());
        loop {
            let mut state = lock(&self.state);
            while state.lines.is_empty() {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut lines, &mut state.lines);
            let count = std::mem::take(&mut state.count);
            state.is_writing = true;
            drop(state);
            let written = out.write_all(&lines).and_then(|()| out.flush());
            lines.clear();
            match written {
                Ok(()) => {
                    let dropped = self.dropped.get();
                    report_dropped(dropped - reported);
                    reported = dropped;
                }
                Err(_) => self.dropped.inc_by(count),
            }
            lock(&self.state).is_writing = false;
            self.changed.notify_all();
        }
    }
}

/// Logs how many lines were dropped since the last report.
fn report_dropped(lines: u64) {
    if lines > 0 {
        tracing::warn!(
            lines,
            "log lines were dropped because they were not read in time"
        );
    }
}

/// Writes each log event as one line.
pub(super) struct LineWriter<'a>(&'a LineBuffer);

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LineBuffer {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter(self)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Reports each write and then blocks until the test lets it pass.
    struct Gate {
        written: Sender<Vec<u8>>,
        pass: Receiver<()>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.send(bytes.to_owned()).unwrap();
            let _ = self.pass.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn dropped() -> IntCounter {
        IntCounter::new("dropped", "test").unwrap()
    }

    #[test]
    fn lines_that_do_not_fit_are_dropped_and_counted() {
        let ((written, writes), (pass, gate)) = (channel(), channel());
        let dropped = dropped();
        let out = Gate {
            written,
            pass: gate,
        };
        let buffer = LineBuffer::with_capacity(8, out, dropped.clone()).unwrap();
        buffer.push(b"first\n");
        assert_eq!(writes.recv().unwrap(), b"first\n");
        // The thread is blocked now.
        for line in [&b"abc\n"[..], b"too long\n", b"def\n", b"g\n"] {
            buffer.push(line);
        }
        assert_eq!(dropped.get(), 2);
        let start = std::time::Instant::now();
        buffer.flush(Duration::from_millis(20));
        assert!(start.elapsed() >= Duration::from_millis(20));
        (0..2).for_each(|_| pass.send(()).unwrap());
        buffer.flush(Duration::from_secs(60));
        assert_eq!(writes.recv().unwrap(), b"abc\ndef\n");
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let dropped = dropped();
        let buffer = LineBuffer::start(Closed, dropped.clone()).unwrap();
        buffer.push(b"line\n");
        buffer.flush(Duration::from_secs(60));
        assert_eq!(dropped.get(), 1);
    }
}
