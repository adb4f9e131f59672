"""Operations of the host daemon as commands: `sigmavault NOUN VERB`, made from the registry."""
