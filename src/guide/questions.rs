//! What the guides ask. The words are plain and kind; nothing is pressed, nothing is judged, every answer may be empty.

use super::{Guide, Kind, Question};

/// For an apology: `did`, `hurt`, `own`, `change`, `repair`.
pub const APOLOGY: Guide = Guide {
    about: "An apology, in your own words. Take the time you need: nobody sees it until you give it.",
    questions: &[
        Question {
            key: "did",
            ask: "What did you do?",
            help: "Say it plainly, as it was. A “but” can wait: it often takes back what stands before it. You can leave this empty.",
            kind: Kind::Words,
        },
        Question {
            key: "hurt",
            ask: "How did it hurt them?",
            help: "As far as you understand it now. If you do not know yet, you can say that. You can leave this empty.",
            kind: Kind::Words,
        },
        Question {
            key: "own",
            ask: "What was yours in it?",
            help: "What you chose or left undone yourself. You need not take more on you than is yours. You can leave this empty.",
            kind: Kind::Words,
        },
        Question {
            key: "change",
            ask: "What will you do differently?",
            help: "One thing that you can keep is worth more than many. You can leave this empty.",
            kind: Kind::Words,
        },
        Question {
            key: "repair",
            ask: "How would you like to make it good?",
            help: "It is an offer: they are free to say yes, no or not yet. You can leave this empty.",
            kind: Kind::Words,
        },
    ],
};

const TOLD: Question = Question {
    key: "account",
    ask: "How was it for you?",
    help: "What happened, as you saw it, and what it was like. The other person tells it in words of their own. You can leave this empty.",
    kind: Kind::Words,
};

/// For a talk: `topic`, `account`.
pub const TALK: Guide = Guide {
    about: "A talk about something that matters to you.",
    questions: &[
        Question {
            key: "topic",
            ask: "What is it about?",
            help: "A few words are enough, such as “Saturday evening”. You can leave this empty.",
            kind: Kind::Line,
        },
        TOLD,
    ],
};

/// For one's own account of a talk that is there already: `account`.
pub const ACCOUNT: Guide = Guide {
    about: "Your account of it, in words of your own.",
    questions: &[TOLD],
};

/// For a feeling, which stays private: `words`, `because`, `intensity`, `tags`.
pub const FEELING: Guide = Guide {
    about: "How you feel. This stays on your own device; only you can share it.",
    questions: &[
        Question {
            key: "words",
            ask: "How do you feel?",
            help: "Any words will do. No feeling is wrong. You can leave this empty.",
            kind: Kind::Words,
        },
        Question {
            key: "because",
            ask: "Do you know what it comes from?",
            help: "Not every feeling has a reason that can be said. You can leave this empty.",
            kind: Kind::Words,
        },
        Question {
            key: "intensity",
            ask: "How strong is it, from 1 to 5?",
            help: "1 is faint, 5 is very strong. You can leave this empty.",
            kind: Kind::OneToFive,
        },
        Question {
            key: "tags",
            ask: "Any words to find it by later?",
            help: "With commas between them, such as: work, sleep. You can leave this empty.",
            kind: Kind::Tags,
        },
    ],
};
