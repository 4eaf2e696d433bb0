//! Work that is moved off the async threads.

use crate::error::Error;

/// Runs work on a thread that may block; `context` finishes the phrase "while …".
pub(crate) async fn blocking<T: Send + 'static, E: From<Error> + Send + 'static>(
    context: &'static str,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Worker { context })?
}
