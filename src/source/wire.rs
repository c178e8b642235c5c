//! Bytes ↔ frames: one buffer each way, frames handed out in place.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::{FRAME_BYTES_MAX, READ_BYTES};

/// A message of the server: tag and body, borrowed from the buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) tag: u8,
    pub(crate) body: &'a [u8],
    /// Header and body, as postgres-protocol wants to parse it.
    pub(crate) whole: &'a [u8],
}

/// What was read at once.
#[derive(Clone, Copy, Debug)]
pub struct Gulp {
    /// At least one.
    pub bytes: usize,
    /// That was all that had come; else there may be more.
    pub emptied: bool,
}

/// A byte stream with room for what was read and not yet parsed, or queued and not yet written.
pub(crate) struct Wire<S> {
    stream: S,
    /// Larger ones are refused.
    frame_bytes_max: usize,
    /// How much is asked for in one read.
    read_bytes: usize,
    incoming: Vec<u8>,
    start: usize,
    /// From here on, what was taken is kept, as long as there is room for it.
    mark: Option<usize>,
    end: usize,
    outgoing: BytesMut,
}

/// Tag and length.
const HEADER_BYTES: usize = 5;

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Wire {
            stream,
            frame_bytes_max: FRAME_BYTES_MAX,
            read_bytes: READ_BYTES,
            incoming: vec![0; READ_BYTES],
            start: 0,
            mark: None,
            end: 0,
            outgoing: BytesMut::new(),
        }
    }

    /// From now on larger frames are refused; there is nobody yet who may send as much.
    pub(super) fn refuse_above(&mut self, bytes: usize) {
        self.frame_bytes_max = bytes;
    }

    /// From now on so much is asked for in one read.
    pub(super) fn read_at_once(&mut self, bytes: usize) {
        self.read_bytes = bytes;
        self.incoming.resize(self.incoming.len().max(bytes), 0);
    }

    /// There is room to read more before anything is taken.
    pub(super) fn has_room(&self) -> bool {
        self.end < self.incoming.len()
    }

    /// Keeps what is taken from now on, so that it can be taken once more; as much of it as half of
    /// the buffer holds.
    pub(super) fn mark(&mut self) {
        self.mark = Some(self.start);
    }

    /// Nothing has to be kept any more.
    pub(super) fn forget_mark(&mut self) {
        self.mark = None;
    }

    /// What was taken since the mark comes once more; false when it is not there any more.
    pub(super) fn rewind(&mut self) -> bool {
        let Some(mark) = self.mark else {
            return false;
        };
        self.start = mark;
        true
    }

    /// What the bytes come from.
    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    /// Queue here, then [`Wire::flush`], or let [`Wire::fill`] write it.
    pub(crate) fn outgoing(&mut self) -> &mut BytesMut {
        &mut self.outgoing
    }

    /// The tag of the next frame, once all of it is in the buffer.
    pub(crate) fn peek(&self) -> io::Result<Option<u8>> {
        let whole = self
            .frame_length()?
            .is_some_and(|length| self.end - self.start >= length);
        Ok(whole.then(|| self.incoming[self.start]))
    }

    /// The body of the next frame, likewise; empty when it is no `CopyData`.
    pub(super) fn peek_body(&self) -> io::Result<Option<&[u8]>> {
        let Some(length) = self.frame_length()? else {
            return Ok(None);
        };
        let frame = self.incoming[self.start..self.end].get(..length);
        Ok(
            frame.map(|frame| match frame.split_first_chunk::<HEADER_BYTES>() {
                Some(([b'd', ..], body)) => body,
                _ => &[],
            }),
        )
    }

    /// The next whole frame in the buffer, or `None` when more must be read first.
    pub(crate) fn next_frame(&mut self) -> io::Result<Option<Frame<'_>>> {
        let Some(length) = self.frame_length()? else {
            return Ok(None);
        };
        let from = self.start;
        if self.end - from < length {
            return Ok(None);
        }
        self.start += length;
        let whole = &self.incoming[from..from + length];
        Ok(Some(Frame {
            tag: whole[0],
            body: &whole[HEADER_BYTES..],
            whole,
        }))
    }

    /// Waits for the next frame.
    pub(crate) async fn frame(&mut self) -> io::Result<Frame<'_>> {
        while self.peek()?.is_none() {
            self.fill().await?;
        }
        self.next_frame()?
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Length of the frame at the start of the buffer, header included, once its header is there.
    fn frame_length(&self) -> io::Result<Option<usize>> {
        let Some(header) = self.incoming[self.start..self.end].first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let [_, length @ ..] = *header;
        let length = u32::from_be_bytes(length) as usize + 1;
        if !(HEADER_BYTES..=self.frame_bytes_max).contains(&length) {
            let said = format!("the server announced a frame of {length} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, said));
        }
        Ok(Some(length))
    }

    /// Reads what is there, at least one byte, as far as there is room for it, and meanwhile writes
    /// what is queued.
    ///
    /// Cancel-safe: whatever was read or written is accounted for. End of stream is an error.
    pub(crate) async fn fill(&mut self) -> io::Result<Gulp> {
        self.make_room()?;
        poll_fn(|context| {
            if let Poll::Ready(Err(error)) = self.poll_write(context) {
                return Poll::Ready(Err(error));
            }
            self.poll_read(context)
        })
        .await
    }

    /// Writes what is queued, until all of it is written or something was read. The other side may
    /// not go on reading before its answers are taken, so both ways stay open. Cancel-safe.
    pub(crate) async fn exchange(&mut self) -> io::Result<()> {
        self.make_room()?;
        poll_fn(|context| {
            if let Poll::Ready(written) = self.poll_write(context) {
                return Poll::Ready(written);
            }
            self.poll_read(context).map_ok(|_| ())
        })
        .await
    }

    /// Writes what is queued. Cancel-safe.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|context| self.poll_write(context)).await
    }

    /// TLS hands out a record at a time, so what is there takes more than one read.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Gulp>> {
        let before = self.end;
        while self.end < self.incoming.len() {
            let mut room = ReadBuf::new(&mut self.incoming[self.end..]);
            let read = Pin::new(&mut self.stream).poll_read(context, &mut room);
            let count = room.filled().len();
            self.end += count;
            match read {
                Poll::Ready(Ok(())) if count > 0 => {}
                // an end or an error comes again when what was read before it is taken
                _ if self.end > before => break,
                Poll::Ready(Ok(())) => {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(Gulp {
            bytes: self.end - before,
            emptied: self.end < self.incoming.len(),
        }))
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.outgoing))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.advance(written);
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// There is room, and what was taken since the mark is kept. Otherwise that is given up.
    fn makes_room_beside_mark(&mut self) -> io::Result<bool> {
        let frame = self.frame_length()?.unwrap_or(0);
        let (few, enough) = (self.read_bytes / 2, self.read_bytes / 4);
        let Some(mark) = self.mark else {
            return Ok(false);
        };
        let fits = self.end - mark + enough <= self.incoming.len();
        if self.start - mark > few || frame > enough || !fits {
            self.mark = None;
            return Ok(false);
        }
        if self.incoming.len() - self.end < enough {
            self.incoming.copy_within(mark..self.end, 0);
            (self.start, self.end) = (self.start - mark, self.end - mark);
            self.mark = Some(0);
        }
        Ok(true)
    }

    /// Makes the free end of the buffer large enough for the frame that is being received.
    fn make_room(&mut self) -> io::Result<()> {
        let is_at_mark = self.mark == Some(self.start);
        if !is_at_mark && self.makes_room_beside_mark()? {
            return Ok(());
        }
        self.make_room_for_frame()?;
        self.mark = is_at_mark.then_some(self.start);
        Ok(())
    }

    fn make_room_for_frame(&mut self) -> io::Result<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.incoming.len() > self.read_bytes {
                self.incoming = vec![0; self.read_bytes];
            }
            return Ok(());
        }
        let wanted = self.frame_length()?.unwrap_or(0).max(self.read_bytes);
        let is_large = wanted > self.read_bytes;
        let is_at_start = is_large && self.start == 0;
        if self.has_room() && (is_at_start || self.start + wanted <= self.incoming.len()) {
            return Ok(());
        }
        self.incoming.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        // Grows when it is full of what has come, so that an announced length alone costs nothing.
        if self.incoming.len() <= wanted && !(is_large && self.has_room()) {
            let grown = (self.incoming.len() * 2).min(wanted + self.read_bytes);
            let more = grown.max(self.end + self.read_bytes) - self.incoming.len();
            self.incoming.reserve_exact(more);
            self.incoming.resize(self.incoming.len() + more, 0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{Target, fuzz, outcome};
    use futures_util::FutureExt;
    use tokio::io::AsyncWriteExt;

    fn frame(tag: u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![tag];
        bytes.extend_from_slice(&u32::try_from(length + 4).unwrap().to_be_bytes());
        bytes.extend((0..length).map(|at| u8::try_from(at % 251).unwrap()));
        bytes
    }

    #[tokio::test]
    async fn frames_of_any_size_arrive_whole_and_in_order() {
        let (mut server, client) = tokio::io::duplex(1000);
        let sizes = [0, 1, READ_BYTES - 5, READ_BYTES, 3, 3 * READ_BYTES + 17, 9];
        let sender = tokio::spawn(async move {
            for size in sizes {
                server.write_all(&frame(b'd', size)).await.unwrap();
            }
            server
        });
        let mut wire = Wire::new(client);
        for size in sizes {
            let received = wire.frame().await.unwrap();
            assert_eq!(received.body, &frame(b'd', size)[5..]);
        }
        drop(sender.await.unwrap());
        let end = wire.frame().await.map(|frame| frame.tag);
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn what_was_taken_since_a_mark_comes_once_more_as_long_as_it_is_little() {
        let mut random = fastrand::Rng::with_seed(7);
        let (mut server, client) = tokio::io::duplex(3 * READ_BYTES);
        let sizes: Vec<usize> = (0..5_000)
            .map(|_| {
                let is_large = random.u8(..) < 3;
                random.usize(..if is_large { 2 * READ_BYTES } else { 2_000 })
            })
            .collect();
        let sent = sizes.clone();
        let sender = tokio::spawn(async move {
            for size in sent {
                server.write_all(&frame(b'd', size)).await.unwrap();
            }
        });
        let mut wire = Wire::new(client);
        let (mut at, mut marked, mut again, mut in_vain) = (0, 0, 0, 0);
        while at < sizes.len() {
            assert_eq!(wire.frame().await.unwrap().body.len(), sizes[at]);
            at += 1;
            match random.u8(..) {
                0..20 => {
                    wire.mark();
                    marked = at;
                }
                20..30 if wire.rewind() => (again, at) = (again + at - marked, marked),
                20..30 => in_vain += 1,
                _ => {}
            }
        }
        sender.await.unwrap();
        assert!(again > 100 && in_vain > 0, "{again} {in_vain}");
    }

    #[tokio::test]
    async fn a_gulp_takes_all_that_there_is_room_for_and_tells_whether_that_was_all() {
        let (mut server, client) = tokio::io::duplex(2 * READ_BYTES);
        server.write_all(&frame(b'd', READ_BYTES)).await.unwrap();
        let mut wire = Wire::new(client);
        let gulp = wire.fill().await.unwrap();
        assert_eq!((gulp.bytes, gulp.emptied), (READ_BYTES, false));
        let gulp = wire.fill().await.unwrap();
        assert_eq!((gulp.bytes, gulp.emptied), (HEADER_BYTES, true));
        assert_eq!(wire.frame().await.unwrap().body.len(), READ_BYTES);
    }

    #[tokio::test]
    async fn an_absurd_length_is_refused_before_memory_is_taken() {
        let (mut server, client) = tokio::io::duplex(1000);
        server
            .write_all(&[b'd', 0xFF, 0xFF, 0xFF, 0xFF])
            .await
            .unwrap();
        let mut wire = Wire::new(client);
        let refused = wire.frame().await.map(|frame| frame.tag);
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn a_frame_that_comes_a_byte_at_a_time_takes_no_more_memory_than_has_come() {
        let (mut server, client) = tokio::io::duplex(1);
        let sender = tokio::spawn(async move {
            let announced = u32::try_from(FRAME_BYTES_MAX / 2).unwrap();
            server.write_all(b"d").await.unwrap();
            server.write_all(&announced.to_be_bytes()).await.unwrap();
            server.write_all(&[0; 100]).await.unwrap();
        });
        let mut wire = Wire::new(client);
        assert!(wire.frame().await.is_err());
        sender.await.unwrap();
        assert!(wire.incoming.capacity() <= 2 * READ_BYTES);
    }

    #[tokio::test]
    async fn what_is_queued_is_written_while_reading() {
        let (mut server, client) = tokio::io::duplex(4);
        let mut wire = Wire::new(client);
        wire.outgoing().extend_from_slice(b"a status update");
        let reading = tokio::spawn(async move { wire.fill().await.map(|_| ()) });
        let mut received = [0; 15];
        tokio::io::AsyncReadExt::read_exact(&mut server, &mut received)
            .await
            .unwrap();
        assert_eq!(&received, b"a status update");
        server.write_all(b"x").await.unwrap();
        reading.await.unwrap().unwrap();
    }

    /// Of the wire below: so few that the frames of the fuzzer outgrow it.
    const FEW_BYTES: usize = 64;

    /// What an error and the like take.
    const TRIFLE_BYTES: usize = 512;

    /// Reads a few bytes at once, otherwise as [`Wire::new`].
    fn narrow<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Wire<S> {
        let mut wire = Wire::new(stream);
        wire.read_bytes = FEW_BYTES;
        wire.incoming = vec![0; FEW_BYTES];
        wire
    }

    /// What is counted: first the buffer as it is allocated, which may be twice the largest frame
    /// so far, or twice a read where all are smaller. Then all memory at a time, since the old
    /// buffer is there while its bytes are copied to a larger one. A frame that does not come whole
    /// counts with the bytes that came, whatever it announced, in however many reads they came.
    #[test]
    fn fuzzed_bytes_come_out_as_the_frames_they_are_and_lengths_alone_take_no_memory() {
        let samples = [
            [frame(b'd', 40), frame(b'Z', 1)].concat(),
            [frame(b'd', 1_500), frame(b'd', 200), frame(b'Z', 1)].concat(),
            frame(b'E', 0),
        ];
        let target = Target {
            name: "frames",
            one_in: 20,
            times: 3,
            samples: samples.to_vec(),
        };
        fuzz(target, |bytes| {
            let stream = tokio::io::join(bytes, tokio::io::sink());
            // its first buffer is not of the frames
            let mut wire = None;
            allocation_counter::opt_out(|| wire = Some(narrow(stream)));
            let mut wire = wire.unwrap();
            let (mut taken, mut tags, mut largest) = (0, 0, FEW_BYTES);
            let memory = allocation_counter::measure(|| {
                while let Ok(frame) = wire.frame().now_or_never().unwrap() {
                    let length = frame.whole.len();
                    assert_eq!(frame.whole, &bytes[taken..taken + length]);
                    taken += length;
                    tags = outcome((tags, frame.tag));
                    largest = largest.max(length);
                    let buffer = wire.incoming.capacity();
                    assert!(buffer <= 2 * largest, "{buffer} for {largest}");
                }
            });
            let remains = bytes.len() - taken;
            let largest = largest.max(remains);
            let buffer = wire.incoming.capacity();
            assert!(buffer <= 2 * largest, "{buffer} for {largest}");
            let memory = usize::try_from(memory.bytes_max).unwrap();
            assert!(
                memory <= 3 * largest + TRIFLE_BYTES,
                "{memory} for {largest}"
            );
            outcome((tags, remains == 0))
        });
    }
}
