"""Getting Renode: its release downloaded, checked, unpacked, and found from then on."""

from renode_pico.setup.renode import SetUp, remove_renode, set_up_pyrenode, set_up_renode

__all__ = ["SetUp", "remove_renode", "set_up_pyrenode", "set_up_renode"]
