//! Tokens in every spelling: good ones, and good ones spoilt at random.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kube_iam_core::token::PREFIX;

use super::oddities::{AUTHORITIES, PATHS, PIECES, SCHEMES, SNIPPETS, TAILS, VALUES};

/// Numbers that look random and are the same in every run (SplitMix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() % bound.max(1) as u64).unwrap()
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// A token that holds `url`.
pub(super) fn token(url: impl AsRef<[u8]>) -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(url))
}

/// A URL in the parts that are spoilt one by one.
pub(super) struct Draft {
    scheme: String,
    authority: String,
    path: String,
    pieces: Vec<String>,
    tail: String,
}

impl Draft {
    /// A good URL for a host that signs in `region`, at `day` and `time`.
    pub(super) fn new(host: &str, region: &str, (day, time): (&str, &str)) -> Self {
        let signature = "0123456789abcdef".repeat(4);
        let pieces = [
            "Action=GetCallerIdentity".to_owned(),
            "Version=2011-06-15".to_owned(),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256".to_owned(),
            format!("X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F{day}%2F{region}%2Fsts%2Faws4_request"),
            format!("X-Amz-Date={day}T{time}Z"),
            "X-Amz-Expires=60".to_owned(),
            "X-Amz-Security-Token=IQoJ%2Fb3%2BJp%3D%3D".to_owned(),
            "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id".to_owned(),
            format!("X-Amz-Signature={signature}"),
        ];
        Self {
            scheme: "https://".to_owned(),
            authority: host.to_owned(),
            path: "/".to_owned(),
            pieces: pieces.into(),
            tail: String::new(),
        }
    }

    pub(super) fn url(&self) -> String {
        let Self { scheme, authority, path, pieces, tail } = self;
        format!("{scheme}{authority}{path}?{}{tail}", pieces.join("&"))
    }

    /// One of the good URLs that clients differ in.
    fn any(dice: &mut Dice) -> Self {
        let (host, region) = dice.pick(&[
            ("sts.us-east-1.amazonaws.com", "us-east-1"),
            ("sts.us-east-1.amazonaws.com", "us-east-1"),
            ("sts.amazonaws.com", "us-east-1"),
            ("sts-fips.us-west-2.amazonaws.com", "us-west-2"),
            ("sts.eu-central-1.api.aws", "eu-central-1"),
            ("sts-fips.eu-central-1.api.aws", "eu-central-1"),
        ]);
        // The oldest that still holds, now, and the furthest ahead.
        let mut draft = Self::new(host, region, dice.pick(&[("20251231", "234500"), NOW, NOW, ("20260101", "000500")]));
        if dice.once_in(2) {
            draft.pieces.remove(6);
        }
        if dice.once_in(8) {
            draft.pieces.remove(1);
        }
        if dice.once_in(4) {
            swap(dice, &mut draft);
        }
        draft
    }

    fn any_piece(&mut self, dice: &mut Dice) -> &mut String {
        if self.pieces.is_empty() {
            self.pieces.push(String::new());
        }
        let index = dice.below(self.pieces.len());
        &mut self.pieces[index]
    }
}

/// Day and time of the tests.
pub(super) const NOW: (&str, &str) = ("20260101", "000000");

/// A good token, or one that is spoilt in a few ways.
pub(super) fn any_token(dice: &mut Dice) -> String {
    let mut draft = Draft::any(dice);
    for _ in 0..dice.pick(&[0, 1, 1, 1, 2, 3]) {
        dice.pick(SPOIL)(dice, &mut draft);
    }
    let mut url = draft.url().into_bytes();
    if dice.once_in(3) {
        spoil_bytes(dice, &mut url);
    }
    let mut token = token(url);
    if dice.once_in(6) {
        spoil_envelope(dice, &mut token);
    }
    token
}

const SPOIL: &[fn(&mut Dice, &mut Draft)] = &[
    repeat,
    repeat,
    recase,
    escape,
    escape,
    unescape,
    odd_value,
    odd_value,
    odd_value,
    odd_value,
    add,
    omit,
    swap,
    lengthen,
    |dice, draft| draft.scheme = dice.pick(SCHEMES).to_owned(),
    |dice, draft| draft.authority = dice.pick(AUTHORITIES).to_owned(),
    around_host,
    |dice, draft| draft.path = dice.pick(PATHS).to_owned(),
    |dice, draft| draft.tail = dice.pick(TAILS).to_owned(),
];

/// A parameter again: in another spelling or the same, before or after.
fn repeat(dice: &mut Dice, draft: &mut Draft) {
    let mut twin = draft.any_piece(dice).clone();
    match dice.below(5) {
        0 => twin = recased(dice, &twin),
        1 => twin = escaped(dice, &twin, 0..twin.find('=').unwrap_or(twin.len())),
        2 => twin = twin.split('=').next().unwrap_or_default().to_owned() + "=",
        3 => twin = twin.replacen(['k', 'K'], dice.pick(&["\u{212a}", "%E2%84%AA"]), 1),
        _ => {}
    }
    let place = dice.below(draft.pieces.len() + 1);
    draft.pieces.insert(place, twin);
}

fn recase(dice: &mut Dice, draft: &mut Draft) {
    let every = dice.once_in(2);
    let chosen = dice.below(draft.pieces.len());
    for (index, piece) in draft.pieces.iter_mut().enumerate() {
        if every || index == chosen {
            *piece = recased(dice, piece);
        }
    }
}

/// The letters of the name in another case, and rarely of the value too.
fn recased(dice: &mut Dice, piece: &str) -> String {
    let name = if dice.once_in(8) { piece.len() } else { piece.find('=').unwrap_or(piece.len()) };
    let way = dice.below(3);
    let (name, value) = piece.split_at(name);
    let recased = name.chars().map(|letter| match way {
        0 => letter.to_ascii_lowercase(),
        1 => letter.to_ascii_uppercase(),
        _ if dice.once_in(2) => letter.to_ascii_lowercase(),
        _ => letter.to_ascii_uppercase(),
    });
    recased.collect::<String>() + value
}

fn escape(dice: &mut Dice, draft: &mut Draft) {
    let piece = draft.any_piece(dice);
    let equals = piece.find('=').unwrap_or(piece.len());
    *piece = if dice.once_in(6) {
        escaped(dice, piece, 0..equals)
    } else {
        escaped(dice, piece, (equals + 1).min(piece.len())..piece.len())
    };
}

/// Characters of a part percent-encoded that need no such thing.
fn escaped(dice: &mut Dice, piece: &str, part: std::ops::Range<usize>) -> String {
    let one_in = dice.pick(&[1, 3, 10]);
    let byte = |(index, byte): (usize, u8)| match byte {
        b'%' => "%".to_owned(),
        byte if !byte.is_ascii() || !part.contains(&index) || !dice.once_in(one_in) => char::from(byte).to_string(),
        byte if dice.once_in(2) => format!("%{byte:02x}"),
        byte => format!("%{byte:02X}"),
    };
    piece.bytes().enumerate().map(byte).collect()
}

/// An escape undone, written in lower case, or escaped once more.
fn unescape(dice: &mut Dice, draft: &mut Draft) {
    let (from, to) = dice.pick(&[
        ("%2F", "/"),
        ("%2F", "%2f"),
        ("%2F", "%252F"),
        ("%3B", ";"),
        ("%3B", "%3b"),
        ("%2B", "+"),
        ("%3D", "="),
        ("%", "%25"),
        ("%2", "%"),
        ("%", ""),
    ]);
    let most = dice.pick(&[1, 9]);
    for piece in &mut draft.pieces {
        *piece = piece.replacen(from, to, most);
    }
}

fn odd_value(dice: &mut Dice, draft: &mut Draft) {
    let (name, values) = dice.pick(VALUES);
    let value = dice.pick(values);
    let known = draft.pieces.iter_mut().find(|piece| piece.starts_with(name) && piece[name.len()..].starts_with('='));
    match known {
        Some(piece) => *piece = format!("{name}={value}"),
        None => draft.pieces.push(format!("{name}={value}")),
    }
}

fn add(dice: &mut Dice, draft: &mut Draft) {
    let place = dice.below(draft.pieces.len() + 1);
    draft.pieces.insert(place, dice.pick(PIECES).to_owned());
}

fn omit(dice: &mut Dice, draft: &mut Draft) {
    let place = dice.below(draft.pieces.len());
    draft.pieces.remove(place);
    draft.any_piece(dice);
}

fn swap(dice: &mut Dice, draft: &mut Draft) {
    let places = (dice.below(draft.pieces.len()), dice.below(draft.pieces.len()));
    draft.pieces.swap(places.0, places.1);
}

/// A session token that makes the whole about as long as may be.
fn lengthen(dice: &mut Dice, draft: &mut Draft) {
    let missing = (3060 + dice.below(8)).saturating_sub(draft.url().len() + "&X-Amz-Security-Token=".len());
    draft.pieces.retain(|piece| !piece.starts_with("X-Amz-Security-Token="));
    draft.pieces.push(format!("X-Amz-Security-Token={}", "x".repeat(missing)));
}

fn around_host(dice: &mut Dice, draft: &mut Draft) {
    let host = &draft.authority;
    draft.authority = match dice.below(10) {
        0 => format!("user@{host}"),
        1 => format!("user:p%40w@{host}"),
        2 => format!("@{host}"),
        3 => format!("evil.example@{host}"),
        4 => format!("{host}:443"),
        5 => format!("{host}:"),
        6 => format!("{host}."),
        7 => format!("{host}@evil.example"),
        8 => host.to_ascii_uppercase(),
        _ => host.replacen('.', "%2e", 1),
    };
}

/// A byte of the URL gone, changed or twice, or something odd put in.
fn spoil_bytes(dice: &mut Dice, url: &mut Vec<u8>) {
    let place = dice.below(url.len());
    match dice.below(8) {
        0 => drop(url.remove(place)),
        1 => url[place] ^= 1 << dice.below(8),
        2 => url.insert(place, url[place]),
        3 => url.truncate(place),
        4 => drop(url.splice(place..place, [dice.pick(&[0xff, 0x80, 0xc3])])),
        _ => drop(url.splice(place..place, dice.pick(SNIPPETS).bytes())),
    }
}

/// Another text for the same bytes, or nearly.
fn spoil_envelope(dice: &mut Dice, token: &mut String) {
    let place = PREFIX.len() + dice.below(token.len() - PREFIX.len() + 1);
    match dice.below(8) {
        0 | 1 => token.insert_str(place, dice.pick(&["\n", "\r", "\r\n", "\n\n", " ", "\t", "\0", "\u{b}"])),
        2 => token.push_str(dice.pick(&["=", "==", "\n", ".", "A", "AA", "%3D"])),
        3 => drop(token.pop()),
        // The last character is likely to have spare bits that are not zero.
        4 | 5 => {
            token.pop();
            token.push(char::from(dice.pick(b"BCDRSTabcd_-")));
        }
        6 => *token = token.replace('_', "/").replace('-', "+"),
        _ => {
            let text = &token[PREFIX.len()..];
            *token = format!("{}{text}", dice.pick(&["", " k8s-aws-v1.", "K8S-AWS-V1.", "k8s-aws-v2.", "k8s-aws-v1"]));
        }
    }
}
