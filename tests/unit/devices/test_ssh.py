import socket
import threading

import pytest

from factory.contracts.errors import DeviceError, RecipeError
from factory.devices.ssh import Address, Shell, parse_url


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ssh://nvidia@xavier", Address(host="xavier", user="nvidia", port=None)),
        ("ssh://xavier:2222", Address(host="xavier", user=None, port=2222)),
        ("ssh://nvidia@[fe80::1]:22/", Address(host="fe80::1", user="nvidia", port=22)),
    ],
)
def test_an_address_is_read(url: str, address: Address) -> None:
    assert parse_url(url) == address


@pytest.mark.parametrize(
    "url", ["xavier", "http://xavier", "ssh://", "ssh://me:secret@xavier", "ssh://x:port", "ssh://x/home"]
)
def test_anything_else_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(RecipeError, match=r"expected ssh://user@host"):
        parse_url(url)


def test_a_board_that_does_not_answer_is_a_device_error() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"ssh://me@127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(DeviceError, match="cannot be reached"), Shell(url):
            pass


def test_a_port_that_speaks_something_else_is_a_device_error_without_a_traceback(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def answer(listening: socket.socket) -> None:
        caller, _ = listening.accept()
        caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        caller.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        with (
            pytest.raises(DeviceError, match="does not speak ssh"),
            Shell(f"ssh://me@127.0.0.1:{listening.getsockname()[1]}"),
        ):
            pass
        thread.join()
    assert capfd.readouterr().err == ""
