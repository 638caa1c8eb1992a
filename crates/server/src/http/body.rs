//! Reading the body of a review, within its bounds.

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use kube_iam_core::limits::REVIEW_BYTES;
use kube_iam_core::reason::Reason;
use tokio::time::{Instant, timeout_at};

use super::connections::Visit;
use crate::limits;

/// Reads a body whole. One that is announced as too long is not read at all.
pub(super) async fn read<B>(body: &mut B, deadline: Instant, visit: &mut Visit<'_>) -> Result<Vec<u8>, Reason>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > REVIEW_BYTES as u64 {
        return Err(Reason::ReviewTooLarge);
    }
    timeout_at(deadline, collect(body, visit)).await.unwrap_or(Err(Reason::ReviewTimeout))
}

/// Reads on and keeps nothing, for a while.
pub(super) async fn discard<B>(body: &mut B, deadline: Instant)
where
    B: Body<Data = Bytes> + Unpin,
{
    let read_on = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > limits::DISCARDED_BYTES {
                return;
            }
        }
    };
    let _ = timeout_at(deadline, read_on).await;
}

async fn collect<B>(body: &mut B, visit: &mut Visit<'_>) -> Result<Vec<u8>, Reason>
where
    B: Body<Data = Bytes> + Unpin,
{
    // One buffer that grows: a list of frames would cost more than their bytes
    // if somebody sends them one by one.
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        // What else a frame can hold, trailers, is not for us.
        let Ok(data) = frame.map_err(|_| Reason::ReviewTruncated)?.into_data() else { continue };
        if whole.len() + data.len() > REVIEW_BYTES {
            return Err(Reason::ReviewTooLarge);
        }
        if !visit.hold(data.len()) {
            return Err(Reason::Overloaded);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}
