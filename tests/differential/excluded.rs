//! What cannot be compared, with the reason.

/// Functions that no generated template calls.
pub(crate) const FUNCTIONS: &[(&str, &str)] = &[
    ("now", CLOCK),
    ("ago", CLOCK),
    ("randAlphaNum", RANDOM),
    ("randAlpha", RANDOM),
    ("randAscii", RANDOM),
    ("randNumeric", RANDOM),
    ("randBytes", RANDOM),
    ("randInt", RANDOM),
    ("shuffle", RANDOM),
    ("uuidv4", RANDOM),
    ("bcrypt", RANDOM),
    ("htpasswd", RANDOM),
    ("encryptAES", RANDOM),
    ("genPrivateKey", RANDOM),
    ("genCA", RANDOM),
    ("genCAWithKey", RANDOM),
    ("genSelfSignedCert", RANDOM),
    ("genSelfSignedCertWithKey", RANDOM),
    ("genSignedCert", RANDOM),
    ("genSignedCertWithKey", RANDOM),
    ("keys", ORDER),
    ("values", ORDER),
    ("derivePassword", SLOW),
    ("mustToDuration", LATER),
    ("durationSeconds", LATER),
    ("durationMilliseconds", LATER),
    ("durationMicroseconds", LATER),
    ("durationNanoseconds", LATER),
    ("durationMinutes", LATER),
    ("durationHours", LATER),
    ("durationDays", LATER),
    ("durationWeeks", LATER),
    ("durationRoundTo", LATER),
    ("durationTruncateTo", LATER),
    ("include", LANGUAGE),
    ("tpl", LANGUAGE),
];

const CLOCK: &str = "tells the time";
const RANDOM: &str = "gives something else each time";
const ORDER: &str = "gives Go's random order of map entries";
const SLOW: &str = "takes a tenth of a second; the recorded vectors have it";
const LATER: &str = "Helm 4.3 brought it, and the real one here is 4.2";
const LANGUAGE: &str = "may call itself without end; generated with care as control structures";

/// What follows these words, up to the end of the line, is not compared, for the reason behind them.
pub(crate) const AFTER: &[(&str, &str)] = &[(
    "invalid map key: map[",
    "Go shows the types of the keys of a map that is a key itself; the reader has made texts of them",
)];

/// A text without what is not compared.
pub(crate) fn compared(text: &str) -> String {
    let mut compared = text.to_owned();
    for (words, _) in AFTER {
        if let Some(at) = compared.find(words) {
            let start = at + words.len();
            let end = compared[start..].find('\n').map_or(compared.len(), |end| start + end);
            compared.replace_range(start..end, "");
        }
    }
    compared
}

/// Whether generated templates may call a function.
pub(crate) fn is_compared(function: &str) -> bool {
    FUNCTIONS.iter().all(|(name, _)| *name != function)
}
