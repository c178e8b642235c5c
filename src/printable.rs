//! Text of others on a terminal or in a log: names of tables, and what servers say.
//!
//! Whoever may make a table may name it so that it clears the screen, writes to the clipboard,
//! turns what follows around, or looks like a line that walferry printed. So what could is shown
//! as an escape, `\u{1b}`. Machines get names as they are: JSON and metrics escape what their
//! formats ask for, which is less, so they are not for a terminal.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

/// Shows it on one line.
pub struct OneLine<T>(pub T);

/// Shows it with its line breaks: for text that walferry breaks itself.
pub struct Lines<T>(pub T);

impl<T: Display> Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // padding counts what is shown
        f.pad(&escaped(&self.0.to_string(), is_command))
    }
}

impl<T: Display> Display for Lines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_command = |c| c != '\n' && is_command(c);
        f.write_str(&escaped(&self.0.to_string(), is_command))
    }
}

/// Control characters, separators of lines and paragraphs, and what changes the direction of text.
fn is_command(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        )
        || matches!(c, '\u{2066}'..='\u{2069}')
}

fn escaped(text: &str, is_command: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_command) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_command(c) {
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_a_terminal_is_shown_as_an_escape() {
        let name = "a\x1b]52;c;eA==\x07\nok\u{202e}\u{9b}\u{2028}é '\\";
        assert_eq!(
            OneLine(name).to_string(),
            "a\\u{1b}]52;c;eA==\\u{7}\\nok\\u{202e}\\u{9b}\\u{2028}é '\\"
        );
        assert_eq!(Lines("a\nb\rc").to_string(), "a\nb\\rc");
    }

    #[test]
    fn padding_counts_what_is_shown() {
        assert_eq!(format!("{:<6}|", OneLine("a\n")), "a\\n   |");
    }
}
