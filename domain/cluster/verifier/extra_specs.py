"""Reads flavor extra specs for the verifier. Shares no code with ``specs`` and ``resources``."""

from collections.abc import Mapping


def figure(text: str) -> int:
    """A number in decimal digits; 0 for any other text, 2^53 if it is larger."""
    if not text.isdecimal():
        return 0
    return 2**53 if len(text) > 300 else min(2**53, int(text))  # noqa: PLR2004 - beyond all bounds


def pinned_count(vcpus: int, specs: Mapping[str, str]) -> int:
    """Number of a flavor's vCPUs that need a dedicated core."""
    policy = specs.get("hw:cpu_policy")
    if policy == "dedicated":
        return vcpus
    if policy == "mixed":
        mask = specs.get("hw:cpu_dedicated_mask") or specs.get("hw:cpu_realtime_mask")
        return vcpus if not mask else len(masked(mask, vcpus))
    asked = specs.get("resources:PCPU", "")
    return min(vcpus, figure(asked))


def overhead(specs: Mapping[str, str]) -> int:
    """Cores in addition to the vCPUs: one if emulator threads are isolated from pinned vCPUs."""
    if specs.get("hw:emulator_threads_policy") != "isolate":
        return 0
    asked = specs.get("resources:PCPU", "")
    explicit = figure(asked) > 0
    return 1 if explicit or specs.get("hw:cpu_policy") in ("dedicated", "mixed") else 0


def masked(mask: str, vcpus: int) -> set[int]:
    """The vCPUs that a mask selects; all of them if it cannot be parsed."""
    plus: list[int] = []
    minus: list[int] = []
    named = False
    for raw in mask.split(","):
        word = raw.strip()
        into = minus if word[:1] == "^" else plus
        ends = word.lstrip("^").split("-") if word[:1] == "^" else word.split("-")
        if len(ends) > 2 or not all(end.isdecimal() for end in ends):  # noqa: PLR2004 - two ends
            return set(range(vcpus))
        first, last = figure(ends[0]), figure(ends[-1])
        into.extend(cpu for cpu in range(vcpus) if first <= cpu <= last)
        named |= into is plus and first <= last
    chosen = set(plus) if named else set(range(vcpus))
    return {cpu for cpu in chosen if cpu not in minus}


def pci_devices(specs: Mapping[str, str]) -> dict[str, int]:
    """PCI alias → number of devices requested."""
    found: dict[str, int] = {}
    text = specs.get("pci_passthrough:alias")
    for raw in text.split(",") if text else ():
        word = raw.strip()
        name = word.split(":", 1)[0]
        if not name:
            continue
        number = word.split(":", 1)[1] if ":" in word else "1"
        found[name] = found.get(name, 0) + (figure(number) or 1)
    return found


def required_traits(specs: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """Required traits and forbidden traits."""
    required: set[str] = set()
    forbidden: set[str] = set()
    for key, value in specs.items():
        prefix, colon, trait = key.partition(":")
        if not colon or not trait or not prefix.startswith("trait"):
            continue
        if value == "required":
            required.add(trait)
        elif value == "forbidden":
            forbidden.add(trait)
    return required, forbidden


def aggregate_specs(specs: Mapping[str, str], known: set[str]) -> list[tuple[str, str]]:
    """(key, wanted value) pairs that an aggregate of the host must satisfy."""
    found = []
    for key, value in specs.items():
        scope, colon, rest = key.partition(":")
        if scope == "aggregate_instance_extra_specs" and colon:
            found.append((rest, value))
        elif not colon and key in known:
            found.append((key, value))
    return found


def meets(value: str, wanted: str) -> bool:
    """Whether a metadata value satisfies a wanted one."""
    words = wanted.split()
    verb = words[0] if words else ""
    if verb == "<or>":
        return any(value == word for word in words if word != "<or>")
    if verb in ("<in>", "<all-in>"):
        return len(words) > 1 and not [word for word in words[1:] if word not in value]
    if verb in ("s==", "s!=", "s<", "s<=", "s>", "s>="):
        return len(words) > 1 and _ordered(value, words[1], verb[1:])
    if verb in ("=", "==", "!=", ">=", "<="):
        return len(words) > 1 and _numeric(value, words[1], verb)
    return value == wanted


def _numeric(value: str, wanted: str, sign: str) -> bool:
    try:
        left, right = float(value), float(wanted)
    except ValueError:
        return False
    return _ordered(left, right, ">=" if sign == "=" else sign)


def _ordered(left: float | str, right: float | str, sign: str) -> bool:
    same = left == right
    less = left < right  # type: ignore[operator]
    answers = {
        "==": same,
        "!=": not same,
        "<": less,
        "<=": less or same,
        ">": not less and not same,
        ">=": not less,
    }
    return answers[sign]
