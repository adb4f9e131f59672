"""The key words that tell kinds of requests apart, in the languages that the installer offers first.

English, German, French, Spanish, Italian, Portuguese, Dutch; a few of Chinese and Japanese. Patterns are
linear: no nested repetition, and they see a bounded part of a message.
"""

from __future__ import annotations

import re

_FLAGS = re.IGNORECASE

_BLOCK = re.compile(r"```([^\n`]*)\n(.*?)(?:```|\Z)", re.DOTALL)

_LANGUAGE_NAMES = (
    "bash c c++ cpp cs csharp css dockerfile go golang haskell html java javascript js jsx kotlin lua"
    " makefile nix perl php powershell py python r rb ruby rs rust scala sh shell sql swift ts tsx"
    " typescript vb zig zsh"
)
_LANGUAGES = frozenset(_LANGUAGE_NAMES.split())

_CODE_LINE = re.compile(
    r"^\s*(?:def \w+\s*\(|class \w+\s*[:({]|import [\w.{*]+|from [\w.]+ import |#include\s*[<\"]|#!/"
    r"|(?:public|private|protected|static) [\w<>\[\] ]+\(|function\s*\w*\s*\(|(?:const|let|var) \w+\s*="
    r"|fn \w+\s*[(<]|func \w*\s*\(|(?:if|for|while)\s*\([^)\n]*\)\s*\{|SELECT\s.{1,200}\sFROM\s"
    r"|Traceback \(most recent call last\)|package \w+;?$|using \w[\w.]*;)",
    re.MULTILINE,
)

_MAKE = (
    r"write|fix|debug|refactor|implement|review|optimi[sz]e|rewrite|port|complete|generate|create|explain|test"
    r"|schreib\w*|korrigier\w*|reparier\w*|implementier\w*|erklär\w*|optimier\w*|programmier\w*|erstell\w*"
    r"|écri[stvre]+z?|corrige[rz]?|explique[rz]?|implémente[rz]?|génère|escrib\w+|corrig\w+|explica\w*"
    r"|implementa\w*|genera|scrivi|spiega|correggi|escreva|explique|schrijf|leg uit|verbeter"
)
_PROGRAM = (
    r"(?:(?:python|bash|shell|java|javascript|typescript|rust|go|sql|c\+\+|c#|php|perl|ruby|html|css)\b"
    r"[ -]?\w*|functions?|scripts?|programs?|code|class(?:es)?|methods?|algorithms?|regex(?:es|p)?"
    r"|regular expressions?|unit tests?|bugs?|stack ?traces?|api client|makefile|dockerfile"
    r"|funktion(?:en)?|skripte?s?|programme?s?|quellcode|klassen?|methoden?|algorithmus|regulären? ausdr\w+"
    r"|fonctions?|expression régulière|classes?|función|funciones|código|clase|expresión regular"
    r"|funzioni?e?|codice|espressione regolare|função|functie|programma)"
)
_ASKS_CODE = re.compile(rf"\b(?:{_MAKE})\b[^.?!\n]{{0,60}}?\b{_PROGRAM}(?!\w)", _FLAGS)
_ASKS_CODE_EAST = re.compile(
    r"(?:写|編|编|书)[^。\n]{0,20}(?:代码|程序|函数|脚本)|(?:関数|コード|スクリプト)を書"
)

SUMMARY = re.compile(
    r"\b(?:summari[sz]e|summary of|sum up|tl;?dr|in a nutshell|key points|main points|condense|abridge|recap"
    r"|fass\w*\b[^.?!\n]{0,80}\bzusammen|zusammenfass\w*|kurzfassung|kernaussagen|das wichtigste aus"
    r"|résume[rz]?|résumé|en bref|points? clés?|resum[ea]\w*|puntos clave|en pocas palabras"
    r"|riassum\w+|riassunto|in sintesi|resumo|em poucas palavras|samenvat\w*|vat\b[^.?!\n]{0,80}\bsamen)\b"
    r"|总结|總結|概括|摘要|要約|まとめて",
    _FLAGS,
)

EXTRACTION = re.compile(
    r"\b(?:extract|pull out|pick out|list all(?: the)?|find all(?: the)?|parse"
    r"|(?:as|in|into) (?:json|csv|yaml|a table)|return (?:only )?(?:json|csv|yaml)|fill in the fields"
    r"|extrahier\w*|zieh\w*\b[^.?!\n]{0,60}\bheraus|lies\b[^.?!\n]{0,60}\baus|liste\b[^.?!\n]{0,20}\balle"
    r"|als (?:json|csv|yaml|tabelle)|extrai[srtez]+|extraire|au format (?:json|csv)|en (?:json|csv)"
    r"|extrae\w*|extraer|enumera todos|formato (?:json|csv)|estra[ei]\w*|estrarre|extraia|extraheer\w*)\b"
    r"|提取|抽出",
    _FLAGS,
)

_DO = (
    r"create|make|add|delete|remove|destroy|rename|move|copy|share|unshare|mount|unmount|start|stop|restart"
    r"|enable|disable|turn (?:on|off)|set(?: up)?|schedule|back ?up|restore|scrub|resize|expand|replace"
    r"|format|allow|block|grant|revoke|export|import|show|list|check|give"
)
_DO_ELSEWHERE = (
    r"erstell\w*|leg\w*|mach\w*|lösch\w*|entfern\w*|benenn\w*|verschieb\w*|kopier\w*|gib|teil\w*|häng\w*"
    r"|start\w*|stopp\w*|aktivier\w*|deaktivier\w*|schalt\w*|plan\w*|sicher\w*|stell\w*|zeig\w*|prüf\w*"
    r"|richt\w*|ersetz\w*|crée[rz]?|supprime[rz]?|ajoute[rz]?|partage[rz]?|démarre[rz]?|arrête[rz]?|montre[rz]?"
    r"|restaure[rz]?|crea\w*|elimina\w*|borra\w*|comparte|compartir|añade|inicia|detén|muestra|restaura\w*|condividi|aggiungi"
    r"|avvia|ferma|mostra|cri[ae]\w*|apague|exclua|compartilhe|maak|verwijder|deel|toon|herstel"
)
_THINGS = (
    r"(?:pools?|shares?|snapshots?|datasets?|disks?|drives?|volumes?|raidz?\d?|mirrors?|folders?"
    r"|director(?:y|ies)|files?|backups?|users?|groups?|permissions?|quotas?|services?|samba|nfs|smb|alerts?|tasks?|scrubs?|models?"
    r"|freigaben?|schnappschüsse?|schnappschuss|festplatten?|platten?|laufwerke?|ordner|dateien?"
    r"|sicherung(?:en)?|benutzer\w*|gruppen?|dienste?|rechte"
    r"|partages?|instantanés?|disques?|dossiers?|fichiers?|sauvegardes?|utilisateurs?"
    r"|carpetas?|discos?|instantáneas?|archivos?|usuarios?|copias? de seguridad"
    r"|cartell[ae]|dischi|disco|file|utent[ei]|istantane[ae]|pastas?|arquivos?|usuários?|mappen?|schij[fv]\w*"
    r"|gebruikers?|reservekopie\w*)"
)
_POLITE = (
    r"(?:please|kindly|now|then|can you|could you|would you|i want you to|bitte|kannst du|könntest du"
    r"|s'il (?:te|vous) plaît|por favor|per favore|alsjeblieft|graag)"
)
COMMAND = re.compile(
    rf"(?:^|[.!?\n]\s*|\b{_POLITE},?\s+)(?:{_DO}|{_DO_ELSEWHERE})\b[^.?!\n]{{0,80}}?\b{_THINGS}(?!\w)"
    r"|(?:创建|新建|删除|恢复|共享)[^。\n]{0,20}(?:快照|文件夹|共享|存储池|备份|用户|硬盘)"
    r"|(?:スナップショット|フォルダ|共有|バックアップ)を(?:作|削除|復元)",
    _FLAGS,
)

QUESTION = re.compile(
    r"[?\uff1f¿؟]|(?:^|[.!\n]\s*)(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|does|do|did|can"
    r"|could|should|would|will|was|welche[rsnm]?|wer|wen|wem|wann|wo|warum|wieso|weshalb|wie|woher|ist|sind"
    r"|kann|soll|qui|que|quoi|quel(?:le)?s?|quand|où|pourquoi|comment|combien|est-ce|qué|cuál(?:es)?|quién"
    r"|cuándo|dónde|por qué|cómo|cuánt[oa]s?|che|cosa|quale|chi|quando|dove|perché|come|quanto|o que|qual"
    r"|quem|onde|como|wat|welke|wie|wanneer|waar|waarom|hoe)\b|(?:什么|为什么|怎么|如何|吗|ですか|ますか|なぜ)",
    _FLAGS,
)


def without_blocks(text: str) -> str:
    """The text without what is between fences."""
    return _BLOCK.sub("\n", text)


def asks_for_code(prose: str) -> bool:
    """Whether something is to be done to a program."""
    return bool(_ASKS_CODE.search(prose) or _ASKS_CODE_EAST.search(prose))


def holds_code(text: str) -> bool:
    """Whether there is a program in it: in a block that says so or looks so, or in lines of their own."""
    for block in _BLOCK.finditer(text):
        named = block[1].strip().partition(" ")[0].lower()
        if named in _LANGUAGES or _CODE_LINE.search(block[2]):
            return True
    return bool(_CODE_LINE.search(without_blocks(text)))
