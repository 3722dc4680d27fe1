//! Observations that held key material is overwritten before it is given back.
//!
//! What is not covered (buffers of HTTP, TLS and kube) is said in `docs/security.md`.

use std::io;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use serde_json::{Map, Value};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// What can be overwritten.
pub trait Wipe {
    /// Overwrites every text in it.
    fn wipe(&mut self);
}

impl Wipe for Value {
    fn wipe(&mut self) {
        match self {
            Self::String(text) => text.zeroize(),
            Self::Array(items) => items.wipe(),
            Self::Object(fields) => fields.wipe(),
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }
}

impl Wipe for Vec<Value> {
    fn wipe(&mut self) {
        self.iter_mut().for_each(Wipe::wipe);
    }
}

impl Wipe for Map<String, Value> {
    fn wipe(&mut self) {
        self.values_mut().for_each(Wipe::wipe);
    }
}

/// Is overwritten when it is dropped.
#[derive(Default)]
pub struct Wiped<T: Wipe>(T);

impl<T: Wipe> Wiped<T> {
    /// From now on.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T: Wipe + Default> Wiped<T> {
    /// Hands it on, whole.
    #[must_use]
    pub fn hand_on(mut self) -> T {
        std::mem::take(&mut self.0)
    }
}

impl<T: Wipe> Drop for Wiped<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: Wipe> ZeroizeOnDrop for Wiped<T> {}

impl<T: Wipe> Deref for Wiped<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe> DerefMut for Wiped<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Bytes that are overwritten when they are dropped, and that leave no copy behind when they grow.
#[derive(Default)]
pub struct Buffer(Zeroizing<Vec<u8>>);

impl Buffer {
    /// With room for so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(bytes)))
    }

    /// Adds to its end.
    pub fn extend(&mut self, more: &[u8]) {
        let needed = self.0.len() + more.len();
        if needed > self.0.capacity() {
            // A vector that grows by itself gives its old memory back as it is.
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.0.capacity())));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(more);
    }

    /// For the body of a request: overwritten when the last one who holds it is done.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl ZeroizeOnDrop for Buffer {}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::{SecretSlice, SecretString};
    use serde_json::json;

    use super::*;

    /// That a type overwrites what it held: the compiler refuses any other one.
    fn is_wiped<T: ZeroizeOnDrop>() {}

    #[test]
    fn what_holds_a_secret_is_overwritten_when_it_is_dropped() {
        is_wiped::<SecretString>();
        is_wiped::<SecretSlice<u8>>();
        is_wiped::<Zeroizing<Vec<u8>>>();
        is_wiped::<Buffer>();
        is_wiped::<Wiped<Map<String, Value>>>();
    }

    #[test]
    fn no_text_is_left_in_a_document_that_was_overwritten_however_deep_it_was() {
        let mut document = json!({ "uaa": { "clientsecret": "CANARY", "more": ["CANARY", { "CANARY": "CANARY" }] } });
        document.wipe();
        assert_eq!(document, json!({ "uaa": { "clientsecret": "", "more": ["", { "CANARY": "" }] } }));
    }

    #[test]
    fn what_is_handed_on_is_whole() {
        let document = Wiped::new(json!({ "a": "CANARY" }));
        assert_eq!(document.hand_on(), json!({ "a": "CANARY" }));
    }

    #[test]
    fn a_buffer_that_grows_holds_all_that_was_added() {
        let mut buffer = Buffer::with_capacity(2);
        for part in ["a", "bc", "def", ""] {
            buffer.extend(part.as_bytes());
        }
        assert_eq!(&*buffer, b"abcdef");
        assert_eq!(&*buffer.into_bytes(), b"abcdef");
    }
}
