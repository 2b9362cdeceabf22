//! Go's `reflect.DeepEqual`.

use crate::gotmpl::{Map, Value};

/// Whether two values have the same type and equal contents, all the way down.
pub(super) fn deep_equal(left: &Value, right: &Value) -> bool {
    equal(left, right, 0)
}

/// Values nested deeper are taken for cycles, which Go takes for equal where it meets them again.
const MAX_DEPTH: usize = 1000;

fn equal(left: &Value, right: &Value, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return true;
    }
    match (left, right) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) | (Value::Int64(a), Value::Int64(b)) => a == b,
        (Value::Int32(a), Value::Int32(b)) => a == b,
        (Value::Uint8(a), Value::Uint8(b)) => a == b,
        (Value::Uint64(a), Value::Uint64(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.elem == b.elem
                && a.is_nil() == b.is_nil()
                && a.len() == b.len()
                && (std::ptr::eq(a.as_ptr(), b.as_ptr())
                    || a.iter().zip(b.iter()).all(|(a, b)| equal(a, b, depth + 1)))
        }
        (Value::Map(a), Value::Map(b)) => maps_equal(a, b, depth),
        (Value::Object(a), Value::Object(b)) => {
            std::rc::Rc::ptr_eq(a, b)
                || a.type_name() == b.type_name() && equal(&a.to_plain(), &b.to_plain(), depth + 1)
        }
        _ => false,
    }
}

fn maps_equal(left: &Map, right: &Map, depth: usize) -> bool {
    if left.ty != right.ty {
        return false;
    }
    if left.same(right) {
        return true;
    }
    let (left, right) = (left.borrow(), right.borrow());
    left.len() == right.len()
        && left
            .iter()
            .zip(right.iter())
            .all(|((a, left), (b, right))| a == b && equal(left, right, depth + 1))
}
