"""What two questions must have in common, word for word, before the answer to one may stand for the other.

Vectors of meaning lie close together for `how do I mount tank` and `how do I unmount tank`, for `disk 1`
and `disk 2`. So everything of this kind is taken out and compared as it is.
"""

from __future__ import annotations

import re

_NEGATIONS = (
    "no not nor never none nobody nothing nowhere neither without cannot except unless hardly"
    " nicht kein keine keinen keinem keiner keines nie niemals nichts niemand ohne außer weder"
    " pas jamais rien sans aucun aucune personne sauf ni sin nunca jamás nada nadie ningún ninguno ninguna"
    " non mai senza niente nessun nessuno nessuna né não nunca sem nenhum nenhuma ninguém"
    " niet geen nooit niets niemand zonder behalve"
)
_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve twenty thirty hundred thousand"
    " million half quarter double twice once first second third fourth fifth last next previous"
    " null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf erste ersten zweite zweiten dritte"
    " letzte letzten deux trois quatre cinq sept huit neuf dix premier première dernier dernière"
    " dos tres cuatro cinco seis siete ocho nueve diez primero primera último última"
    " due tre quattro cinque sei sette otto nove dieci primo prima ultimo ultima"
    " dois duas três quatro sete oito dez twee drie vijf zes zeven negen tien eerste laatste"
)
_TURNS = (
    "on off in out up down over under before after above below more less most least fewer minimum maximum min"
    " max always sometimes only all any every some each both either"
    " enable disable enabled disabled start stop started stopped begin end add remove create delete destroy"
    " mount unmount open close attach detach import export read write upload download send receive"
    " allow deny grant revoke lock unlock encrypt decrypt compress decompress grow shrink increase decrease"
    " raise lower show hide accept refuse reject connect disconnect load unload install uninstall"
    " backup restore today yesterday tomorrow now then old new oldest newest large small largest smallest big"
    " fast slow fastest slowest high low highest lowest"
    " good bad best worst safe unsafe true false yes left right"
    " public private local remote why when where who whose"
    " an aus ein auf zu vor nach mehr weniger immer nur alle jede starten stoppen anlegen löschen erstellen"
    " entfernen hinzufügen heute gestern morgen alt neu groß klein warum wann wo wer"
    " avant après plus moins toujours seulement tous toutes créer supprimer ajouter démarrer arrêter ouvrir"
    " fermer activer désactiver pourquoi quand qui"
    " antes después más menos siempre solo todos todas crear eliminar borrar añadir iniciar detener abrir"
    " cerrar activar desactivar cuándo dónde quién"
)
_WORDS = frozenset(f"{_NEGATIONS} {_NUMBERS} {_TURNS}".split())

_QUOTED = re.compile(r"\"[^\"]*\"|`[^`]*`|“[^”]*”|„[^“”]*[“”]|«[^»]*»|(?<!\w)'[^']*'(?!\w)")
_APOSTROPHE = "\u2019"
_WORD = re.compile(rf"\w+(?:['{_APOSTROPHE}]\w+)?")
_TRIM = f".,;:!?()[]{{}}<>\"'`“”„«»{_APOSTROPHE}"


def _is_exact(token: str, *, begins_sentence: bool) -> bool:
    """Whether a token names something: a number, a path, a file, an option, a name."""
    inside = token[1:-1]
    return (
        any(each.isdigit() for each in token)
        or any(each in token for each in "/\\~@#$%&*=+<>|_^")
        or token.startswith("-")
        or "." in inside or ":" in inside
        or (not begins_sentence and token != token.lower())
        or (len(token) > 1 and token[1:] != token[1:].lower())
        or any(_is_unspaced(each) for each in token)
    )  # fmt: skip


def _is_unspaced(letter: str) -> bool:
    """Whether its script puts no spaces between words, so that there is nothing smaller to compare."""
    return "\u0e00" <= letter <= "\u0eff" or "\u3040" <= letter <= "\u9fff" or letter >= "\uac00"


def fixed_parts(question: str) -> tuple[str, ...]:
    """Numbers, quotations, paths, names, negations and words that turn the sense: sorted, each as often
    as it occurs.
    """
    found = _QUOTED.findall(question)
    begins = True
    for raw in question.split():
        token = raw.strip(_TRIM)
        if token and _is_exact(token, begins_sentence=begins):
            found.append(token)
        begins = raw[-1] in ".!?:"
    for word in _WORD.findall(question.lower()):
        if word in _WORDS or word.endswith(("n't", f"n{_APOSTROPHE}t")):
            found.append(word)
    return tuple(sorted(found))
