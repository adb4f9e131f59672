"""What polkit and the bus know of the operations: the policy file and the introspection files."""

from __future__ import annotations

from sigmavault.core.operation.interface import interface_xml
from sigmavault.core.operation.surfaces import dbus_interface, policy
from sigmavault.operations import registry

POLICY = "services/data/usr/share/polkit-1/actions/org.sigmavault.host.policy"
INTERFACES = "services/data/usr/share/dbus-1/interfaces"


def files() -> dict[str, str]:
    """Path in the checkout → text."""
    nouns = {noun: registry.of_noun(noun).values() for noun in registry.nouns()}
    return {
        POLICY: policy(registry.everything().values()),
        **{
            f"{INTERFACES}/{dbus_interface(noun)}.xml": interface_xml(noun, operations)
            for noun, operations in nouns.items()
            if operations
        },
    }
