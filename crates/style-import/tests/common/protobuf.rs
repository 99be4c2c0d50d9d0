//! Fields of protocol buffers as bytes (<https://protobuf.dev/programming-guides/encoding/>), for files made by hand.

pub(crate) fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A field with a length: text, a message, packed numbers.
pub(crate) fn bytes(number: u64, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    [&varint(number << 3 | 2)[..], &varint(value.len() as u64), value].concat()
}

/// A field that is an integer.
pub(crate) fn integer(number: u64, value: i64) -> Vec<u8> {
    [varint(number << 3), varint(value.cast_unsigned())].concat()
}
