//! The characters that later versions of Unicode have and Go 1.26, whose tables are those of Unicode 15.0, has not.

/// Assigned since Unicode 15.1: first and last character of each range, in order.
#[rustfmt::skip]
const LATER: &[(char, char)] = &[
    ('\u{897}', '\u{897}'), ('\u{1B4E}', '\u{1B4F}'), ('\u{1B7F}', '\u{1B7F}'), ('\u{1C89}', '\u{1C8A}'),
    ('\u{2427}', '\u{2429}'), ('\u{2FFC}', '\u{2FFF}'), ('\u{31E4}', '\u{31E5}'), ('\u{31EF}', '\u{31EF}'),
    ('\u{A7CB}', '\u{A7CD}'), ('\u{A7DA}', '\u{A7DC}'), ('\u{105C0}', '\u{105F3}'),
    ('\u{10D40}', '\u{10D65}'), ('\u{10D69}', '\u{10D85}'), ('\u{10D8E}', '\u{10D8F}'),
    ('\u{10EC2}', '\u{10EC4}'), ('\u{10EFC}', '\u{10EFC}'), ('\u{11380}', '\u{11389}'),
    ('\u{1138B}', '\u{1138B}'), ('\u{1138E}', '\u{1138E}'), ('\u{11390}', '\u{113B5}'),
    ('\u{113B7}', '\u{113C0}'), ('\u{113C2}', '\u{113C2}'), ('\u{113C5}', '\u{113C5}'),
    ('\u{113C7}', '\u{113CA}'), ('\u{113CC}', '\u{113D5}'), ('\u{113D7}', '\u{113D8}'),
    ('\u{113E1}', '\u{113E2}'), ('\u{116D0}', '\u{116E3}'), ('\u{11BC0}', '\u{11BE1}'),
    ('\u{11BF0}', '\u{11BF9}'), ('\u{11F5A}', '\u{11F5A}'), ('\u{13460}', '\u{143FA}'),
    ('\u{16100}', '\u{16139}'), ('\u{16D40}', '\u{16D79}'), ('\u{18CFF}', '\u{18CFF}'),
    ('\u{1CC00}', '\u{1CCF9}'), ('\u{1CD00}', '\u{1CEB3}'), ('\u{1E5D0}', '\u{1E5FA}'),
    ('\u{1E5FF}', '\u{1E5FF}'), ('\u{1F8B2}', '\u{1F8BB}'), ('\u{1F8C0}', '\u{1F8C1}'),
    ('\u{1FA89}', '\u{1FA89}'), ('\u{1FA8F}', '\u{1FA8F}'), ('\u{1FABE}', '\u{1FABE}'),
    ('\u{1FAC6}', '\u{1FAC6}'), ('\u{1FADC}', '\u{1FADC}'), ('\u{1FADF}', '\u{1FADF}'),
    ('\u{1FAE9}', '\u{1FAE9}'), ('\u{1FBCB}', '\u{1FBEF}'), ('\u{2EBF0}', '\u{2EE5D}'),
];

/// Whether Go knows the character, as far as it is assigned at all.
pub(super) fn is_known(character: char) -> bool {
    let at = LATER.partition_point(|(_, last)| *last < character);
    LATER.get(at).is_none_or(|(first, _)| character < *first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_unicode_16_are_unknown() {
        assert!(is_known('a') && is_known('\u{13430}') && is_known('\u{1F600}'));
        assert!(!is_known('\u{13460}') && !is_known('\u{136E2}'));
    }
}
