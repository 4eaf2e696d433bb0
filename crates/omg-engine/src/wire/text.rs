//! Text that a person reads: no control characters, of a bounded length.

use omg_core::Fault;

use crate::Error;

/// Longest text in a plan or fault, bytes.
pub(crate) const TEXT_LIMIT: usize = 4096;

/// Most causes, and most suggestions, of a fault.
const CAUSES: usize = 256;

/// Makes it one line of at most [`TEXT_LIMIT`] bytes: control characters become spaces.
pub(crate) fn clean(text: &mut String) {
    if text.contains(char::is_control) {
        *text = text.replace(char::is_control, " ");
    }
    text.truncate(text.floor_char_boundary(TEXT_LIMIT));
}

/// A fault with all its texts cleaned.
pub(crate) fn cleaned(mut fault: Fault) -> Fault {
    fault.cause.truncate(CAUSES);
    fault.suggestions.truncate(CAUSES);
    let lists = fault.cause.iter_mut().chain(&mut fault.suggestions);
    lists.chain(&mut fault.hint).chain([&mut fault.message]).for_each(clean);
    // All of them together must fit into a fault's bytes: half of it for the causes is enough.
    let mut room = 32 * 1024_usize;
    for text in fault.cause.iter_mut().chain(&mut fault.suggestions) {
        text.truncate(text.floor_char_boundary(room));
        room -= text.len();
    }
    fault
}

/// Refuses text that is no single line, or too long.
pub(crate) fn check(what: &str, text: &str) -> Result<(), Error> {
    if text.len() > TEXT_LIMIT {
        return Err(Error::Plan(format!("{what} of {} bytes is over {TEXT_LIMIT}", text.len())));
    }
    if text.contains(char::is_control) {
        return Err(Error::Plan(format!("{what} {text:?} holds a control character")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use omg_core::Code;

    use super::*;

    #[test]
    fn a_fault_of_any_size_fits() {
        let long = "é\n".repeat(50_000);
        let mut fault = Fault::new(Code::Failure, long.clone()).hint(long.clone());
        fault.cause = vec![long.clone(); 1000];
        let fault = cleaned(fault.suggest(vec![long; 1000]));
        assert!(fault.message.len() <= TEXT_LIMIT && !fault.message.contains('\n'));
        assert!(bitcode::encode(&fault).len() <= super::super::FAULT_LIMIT);
        assert_eq!(cleaned(fault.clone()), fault);
    }
}
