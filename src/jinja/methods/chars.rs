//! What Python's text methods know of single characters: classes and letter case.

use unicode_general_category::{GeneralCategory, get_general_category};

/// White space: Unicode's, and the four separators of ASCII.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// White space of bytes.
pub(super) fn is_byte_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// `str.isalpha` of a character: a letter, which marks and numbers are not.
pub(super) fn is_alpha(c: char) -> bool {
    c.is_ascii_alphabetic() || !c.is_ascii() && is_letter(get_general_category(c))
}

fn is_letter(category: GeneralCategory) -> bool {
    use GeneralCategory as Is;
    matches!(
        category,
        Is::UppercaseLetter
            | Is::LowercaseLetter
            | Is::TitlecaseLetter
            | Is::ModifierLetter
            | Is::OtherLetter
    )
}

/// `str.isdecimal` of a character.
pub(super) fn is_decimal(c: char) -> bool {
    c.is_ascii_digit() || !c.is_ascii() && get_general_category(c) == GeneralCategory::DecimalNumber
}

/// Digits that no decimal number is written with: raised, circled and others.
const DIGITS: &[(u32, u32)] = &[
    (0xb2, 0xb3),
    (0xb9, 0xb9),
    (0x1369, 0x1371),
    (0x19da, 0x19da),
    (0x2070, 0x2070),
    (0x2074, 0x2079),
    (0x2080, 0x2089),
    (0x2460, 0x2468),
    (0x2474, 0x247c),
    (0x2488, 0x2490),
    (0x24ea, 0x24ea),
    (0x24f5, 0x24fd),
    (0x24ff, 0x24ff),
    (0x2776, 0x277e),
    (0x2780, 0x2788),
    (0x278a, 0x2792),
    (0x10a40, 0x10a43),
    (0x10e60, 0x10e68),
    (0x11052, 0x1105a),
    (0x1f100, 0x1f10a),
];

/// `str.isdigit` of a character.
pub(super) fn is_digit(c: char) -> bool {
    is_decimal(c) || DIGITS.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(c)))
}

/// Letters that are numbers.
const NUMERALS: &str = "㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖百肆萬貮貳贰阡陆陌陸零\
    \u{f96b}\u{f973}\u{f978}\u{f9b2}\u{f9d1}\u{f9d3}\u{f9fd}𠀁𠁤𠃢𠄡\
    𠤪𠦃𠦌𠦜𠫪𠫽𠬙𢎐𢦘𣬛𦉭\u{2f890}";

/// `str.isnumeric` of a character.
pub(super) fn is_numeric(c: char) -> bool {
    use GeneralCategory as Is;
    c.is_ascii_digit()
        || !c.is_ascii()
            && (matches!(get_general_category(c), Is::DecimalNumber | Is::LetterNumber | Is::OtherNumber)
                || NUMERALS.contains(c))
}

/// `str.isalnum` of a character.
pub(super) fn is_alnum(c: char) -> bool {
    is_alpha(c) || is_numeric(c)
}

/// Whether the letter is one that begins a word and is two in one.
fn is_title(c: char) -> bool {
    !c.is_ascii() && get_general_category(c) == GeneralCategory::TitlecaseLetter
}

/// `str.islower`.
pub(super) fn is_lower(s: &str) -> bool {
    s.chars().any(char::is_lowercase) && !s.chars().any(|c| c.is_uppercase() || is_title(c))
}

/// `str.isupper`.
pub(super) fn is_upper(s: &str) -> bool {
    s.chars().any(char::is_uppercase) && !s.chars().any(|c| c.is_lowercase() || is_title(c))
}

/// `str.istitle`.
pub(super) fn is_titled(s: &str) -> bool {
    let (mut any, mut inside) = (false, false);
    for c in s.chars() {
        let begins = c.is_uppercase() || is_title(c);
        let cased = begins || c.is_lowercase();
        if cased && begins == inside {
            return false;
        }
        any |= cased;
        inside = cased;
    }
    any
}

/// Letters whose title case is not their upper case.
const TITLE: &[(&str, &str)] = &[
    ("\u{df}", "Ss"),
    ("\u{1c4}\u{1c5}\u{1c6}", "\u{1c5}"),
    ("\u{1c7}\u{1c8}\u{1c9}", "\u{1c8}"),
    ("\u{1ca}\u{1cb}\u{1cc}", "\u{1cb}"),
    ("\u{1f1}\u{1f2}\u{1f3}", "\u{1f2}"),
    ("\u{587}", "\u{535}\u{582}"),
    ("\u{1fb2}", "\u{1fba}\u{345}"),
    ("\u{1fb3}\u{1fbc}", "\u{1fbc}"),
    ("\u{1fb4}", "\u{386}\u{345}"),
    ("\u{1fb7}", "\u{391}\u{342}\u{345}"),
    ("\u{1fc2}", "\u{1fca}\u{345}"),
    ("\u{1fc3}\u{1fcc}", "\u{1fcc}"),
    ("\u{1fc4}", "\u{389}\u{345}"),
    ("\u{1fc7}", "\u{397}\u{342}\u{345}"),
    ("\u{1ff2}", "\u{1ffa}\u{345}"),
    ("\u{1ff3}\u{1ffc}", "\u{1ffc}"),
    ("\u{1ff4}", "\u{38f}\u{345}"),
    ("\u{1ff7}", "\u{3a9}\u{342}\u{345}"),
    ("\u{fb00}", "Ff"),
    ("\u{fb01}", "Fi"),
    ("\u{fb02}", "Fl"),
    ("\u{fb03}", "Ffi"),
    ("\u{fb04}", "Ffl"),
    ("\u{fb05}\u{fb06}", "St"),
    ("\u{fb13}", "\u{544}\u{576}"),
    ("\u{fb14}", "\u{544}\u{565}"),
    ("\u{fb15}", "\u{544}\u{56b}"),
    ("\u{fb16}", "\u{54e}\u{576}"),
    ("\u{fb17}", "\u{544}\u{56d}"),
];

/// A character at the start of a word.
fn title_case(c: char, out: &mut String) {
    match (u32::from(c), TITLE.iter().find(|(letters, _)| letters.contains(c))) {
        (_, Some((_, title))) => out.push_str(title),
        // Georgian letters begin words as they are, Greek ones keep the iota below.
        (0x10d0..=0x10ff, None) => out.push(c),
        (code @ 0x1f80..=0x1faf, None) => out.extend(char::from_u32(code | 8)),
        _ => out.extend(c.to_uppercase()),
    }
}

/// Each character with what it is in lower case, where a sigma looks at its neighbours.
fn lowered(s: &str) -> impl Iterator<Item = (char, String)> {
    let lower = s.to_lowercase();
    let mut letters = lower.chars().collect::<Vec<_>>().into_iter();
    let pairs: Vec<_> =
        s.chars().map(|c| (c, letters.by_ref().take(c.to_lowercase().count()).collect::<String>())).collect();
    pairs.into_iter()
}

/// `str.capitalize`.
#[must_use]
pub(in crate::jinja) fn capitalize(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for (i, (c, lower)) in lowered(s).enumerate() {
        if i == 0 {
            title_case(c, &mut out);
        } else {
            out.push_str(&lower);
        }
    }
    out
}

/// `str.title`.
#[must_use]
pub(super) fn title(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut inside = false;
    for (c, lower) in lowered(s) {
        if inside {
            out.push_str(&lower);
        } else {
            title_case(c, &mut out);
        }
        inside = c.is_lowercase() || c.is_uppercase() || is_title(c);
    }
    out
}

/// `str.swapcase`.
pub(super) fn swap_case(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for (c, lower) in lowered(s) {
        match c {
            c if c.is_uppercase() => out.push_str(&lower),
            c if c.is_lowercase() => out.extend(c.to_uppercase()),
            c => out.push(c),
        }
    }
    out
}

/// `str.casefold`.
pub(super) fn fold(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        match c {
            'ı' => out.push(c),
            'ẞ' => out.push_str("ss"),
            // Cherokee was written in upper case alone for long.
            '\u{13a0}'..='\u{13fd}' | '\u{ab70}'..='\u{abbf}' => out.extend(c.to_uppercase()),
            c => out.extend(c.to_uppercase().flat_map(char::to_lowercase)),
        }
    }
    out
}

/// What of an identifier is no letter by its category, and the letters that are none of one.
const NAMES: &str = "\u{1885}\u{1886}\u{2118}\u{212e}";
const NO_NAMES: &[(u32, u32)] = &[
    (0x37a, 0x37a),
    (0x2e2f, 0x2e2f),
    (0xfc5e, 0xfc63),
    (0xfdfa, 0xfdfb),
    (0xfe70, 0xfe70),
    (0xfe72, 0xfe72),
    (0xfe74, 0xfe74),
    (0xfe76, 0xfe76),
    (0xfe78, 0xfe78),
    (0xfe7a, 0xfe7a),
    (0xfe7c, 0xfe7c),
    (0xfe7e, 0xfe7e),
];
/// Letters that a name has after its first character only.
const LATER: &str = "\u{e33}\u{eb3}\u{ff9e}\u{ff9f}";

/// `str.isidentifier`.
#[must_use]
pub fn is_identifier(s: &str) -> bool {
    let mut chars = s.chars();
    chars.next().is_some_and(|c| begins_name(c) && !LATER.contains(c)) && chars.all(continues_name)
}

fn begins_name(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic() || c == '_';
    }
    let category = get_general_category(c);
    let excluded = || NO_NAMES.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(c)));
    NAMES.contains(c) || (is_letter(category) || category == GeneralCategory::LetterNumber) && !excluded()
}

fn continues_name(c: char) -> bool {
    use GeneralCategory as Is;
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    begins_name(c)
        || matches!(c, '\u{b7}' | '\u{387}' | '\u{1369}'..='\u{1371}' | '\u{19da}')
        || matches!(
            get_general_category(c),
            Is::NonspacingMark | Is::SpacingMark | Is::DecimalNumber | Is::ConnectorPunctuation
        )
}
