//! Which scalars yaml.v2 takes for timestamps: it only matters that they are, since they stay strings.

/// Whether Go's `time.Parse` accepts the text in one of yaml.v2's layouts: `2006-1-2`,
/// `2006-1-2 15:4:5.999999999` or RFC 3339 with short fields.
pub(super) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let year = bytes[..4].iter().fold(0, |year, digit| year * 10 + u32::from(digit - b'0'));
    date_and_rest(year, &bytes[5..]).is_some_and(is_time_of_day)
}

/// Takes `month-day` and gives the rest if such a day exists.
fn date_and_rest(year: u32, text: &[u8]) -> Option<&[u8]> {
    let (month, text) = number(text)?;
    let (day, text) = number(text.strip_prefix(b"-")?)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(text)
}

fn is_time_of_day(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b'T' | b't', rest @ ..] => clock_and_rest(rest).is_some_and(is_zone),
        [b' ', ..] => {
            let spaces = text.iter().take_while(|byte| **byte == b' ').count();
            clock_and_rest(&text[spaces..]).is_some_and(<[u8]>::is_empty)
        }
        _ => false,
    }
}

/// Takes `hour:minute:second[.fraction]`.
fn clock_and_rest(text: &[u8]) -> Option<&[u8]> {
    let (hour, text) = number(text)?;
    let (minute, text) = number(text.strip_prefix(b":")?)?;
    let (second, text) = number(text.strip_prefix(b":")?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    match text {
        [b'.' | b',', digit, ..] if digit.is_ascii_digit() => {
            let digits = text[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            Some(&text[1 + digits..])
        }
        _ => Some(text),
    }
}

fn is_zone(text: &[u8]) -> bool {
    match text {
        b"Z" => true,
        [b'+' | b'-', hour @ .., b':', _, _] if hour.len() == 2 => {
            let minute = &text[4..];
            let in_range = |digits, limit| matches!(number(digits), Some((value, [])) if value <= limit);
            hour.iter().chain(minute).all(u8::is_ascii_digit) && in_range(hour, 24) && in_range(minute, 60)
        }
        _ => false,
    }
}

/// One or two digits.
fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    match text {
        [tens @ b'0'..=b'9', units @ b'0'..=b'9', rest @ ..] => {
            Some((u32::from(tens - b'0') * 10 + u32::from(units - b'0'), rest))
        }
        [digit @ b'0'..=b'9', rest @ ..] => Some((u32::from(digit - b'0'), rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_timestamp;

    #[test]
    fn accepted_and_refused() {
        for text in [
            "2020-01-01",
            "2020-1-1",
            "2020-02-29",
            "2020-01-01T10:00:00Z",
            "2020-01-01t1:2:3,5+24:60",
            "2020-01-01   10:00:00.5",
        ] {
            assert!(is_timestamp(text), "{text}");
        }
        for text in [
            "2021-02-29",
            "2020-13-01",
            "2020-00-01",
            "2020-01-01T10:00:00",
            "2020-01-01 10:00:00Z",
            "2020-01-01 24:00:00",
            "2020-01-01T10:00:00+25:00",
            "20-01-01",
            "2020-01-01x",
        ] {
            assert!(!is_timestamp(text), "{text}");
        }
    }
}
