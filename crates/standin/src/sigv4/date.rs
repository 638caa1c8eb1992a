//! The date form of signatures, `YYYYMMDDTHHMMSSZ`.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

/// Reads the form strictly: sixteen characters, a real date and time.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 16] = text.as_bytes().try_into().ok()?;
    let [y1, y2, y3, y4, m1, m2, d1, d2, b'T', h1, h2, i1, i2, s1, s2, b'Z'] = *bytes else {
        return None;
    };
    let year = i16::from(two(y1, y2)?) * 100 + i16::from(two(y3, y4)?);
    let date = Date::new(year, two(m1, m2)?, two(d1, d2)?).ok()?;
    let time = Time::new(two(h1, h2)?, two(i1, i2)?, two(s1, s2)?, 0).ok()?;
    Offset::UTC.to_timestamp(date.to_datetime(time)).ok()
}

/// Writes the form.
pub(crate) fn basic(instant: Timestamp) -> String {
    instant.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn two(tens: u8, ones: u8) -> Option<i8> {
    let value = |byte: u8| byte.is_ascii_digit().then(|| byte - b'0');
    i8::try_from(value(tens)? * 10 + value(ones)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_basic_form_is_read() {
        let instant = "2015-08-30T12:36:00Z".parse().unwrap();
        assert_eq!(parse("20150830T123600Z"), Some(instant));
        assert_eq!(basic(instant), "20150830T123600Z");
        for text in [
            "",
            "20150830T123600",
            "2015-08-30T12:36:00Z",
            "20150231T123600Z",
            "20150830T243600Z",
            "20150830T123600z",
            "+0150830T123600Z",
            "20150830T1236é0Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
