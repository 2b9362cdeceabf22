//! Go's `reflect.DeepEqual`.

use crate::gotmpl::{Map, Value};

/// Whether two values have the same type and equal contents, all the way down.
pub(super) fn deep_equal(left: &Value, right: &Value) -> bool {
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
                    || a.iter().zip(b.iter()).all(|(a, b)| deep_equal(a, b)))
        }
        (Value::Map(a), Value::Map(b)) => maps_equal(a, b),
        (Value::Object(a), Value::Object(b)) => {
            std::rc::Rc::ptr_eq(a, b)
                || a.type_name() == b.type_name() && deep_equal(&a.to_plain(), &b.to_plain())
        }
        _ => false,
    }
}

fn maps_equal(left: &Map, right: &Map) -> bool {
    if left.ty != right.ty {
        return false;
    }
    if left.same(right) {
        return true;
    }
    let (left, right) = (left.borrow(), right.borrow());
    left.len() == right.len()
        && left.iter().zip(right.iter()).all(|((a, left), (b, right))| a == b && deep_equal(left, right))
}
