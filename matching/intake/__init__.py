"""Files of demands and achievements become clean frames, or are refused with a message that can be acted on."""
