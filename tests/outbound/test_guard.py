"""The guard: every known way to name an inside address from the outside."""

from ipaddress import ip_address

import pytest

from trestle.outbound import (
    BlockedAddress,
    ConnectionFailed,
    InvalidRequest,
    OutboundClient,
    OutboundError,
    Policy,
    judge,
    own_servers,
    resolve,
)

BYPASSES = [
    "http://127.0.0.1/", "http://127.0.0.1:80/", "http://127.1/", "http://127.0.1/", "http://127.255.255.254/", "http://2130706433/",
    "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0x7f.1/", "http://017700000001/", "http://0177.0.0.1/", "http://0177.1/",
    "http://127.0.0.01/", "http://127.0.0.1./", "http://2130706433./", "http://00000177.1/", "http://0/", "http://0.0.0.0/", "http://0.0.0.0:8000/",
    "http://0x0/", "http://127.0.0.1%00.example.com/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://１２７.0.0.1/",
    "http://127%2e0%2e0%2e1/", "http://%31%32%37.0.0.1/", "http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/", "http://[::7f00:1]/", "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b:1::1]/", "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/", "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", "http://[2001:0:7f00:1::]/",
    "http://[2606:4700::5efe:127.0.0.1]/", "http://[2606:4700::200:5efe:10.0.0.1]/", "http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[fc00::1]/",
    "http://[fd00:ec2::254]/", "http://[fec0::1]/", "http://[ff02::1]/", "http://[2001:db8::1]/", "http://[3fff::1]/", "http://[100::1]/",
    "http://[5f00::1]/", "http://[2001:10::1]/", "http://[4000::1]/", "http://10.0.0.1/", "http://172.16.0.1/", "http://172.31.255.255/",
    "http://192.168.0.1/", "http://169.254.169.254/latest/meta-data/", "http://169.254.170.2/", "http://2852039166/", "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/", "http://[::ffff:169.254.169.254]/", "http://100.64.0.1/", "http://100.100.100.200/", "http://168.63.129.16/",
    "http://192.0.0.192/", "http://192.0.0.9/", "http://192.0.2.1/", "http://192.88.99.1/", "http://198.18.0.1/", "http://198.19.255.255/",
    "http://198.51.100.1/", "http://203.0.113.1/", "http://224.0.0.1/", "http://239.255.255.250/", "http://240.0.0.1/", "http://255.255.255.255/",
    "http://user:pass@127.0.0.1/", "http://example.com@127.0.0.1/", "http://example.com:80@127.0.0.1/", "http://127.0.0.1\\@example.com/",
    "http://127.0.0.1#@example.com/", "http://127.0.0.1?@example.com/", "http:///127.0.0.1/", "http:127.0.0.1", "//127.0.0.1/", "http://", "http://:80/",
    "file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO", "ftp://127.0.0.1/", "dict://127.0.0.1:11211/", "data:text/plain,x", "jar:http://127.0.0.1!/",
    "ldap://127.0.0.1/", "unix:///var/run/docker.sock", "http+unix://%2Fvar%2Frun/", "javascript:alert(1)", "HTTP://127.0.0.1/", "hTTps://127.1/",
    " http://127.0.0.1/ ", "http://127.0.0.1:0/", "http://127.0.0.1:99999/", "http://127.0.0.1:-1/", "http://a b/", "http://a\r\nb/", "http://exa\tmple.com/",
    "http://[::1", "http://::1/", "http://[127.0.0.1]/", "http://-a.example/", "http://a..b/", "http://a_b..c/", "", "example.com",
    "http://localhost/", "http://localhost./", "http://LOCALHOST/", "http://localtest.example/", "http://mixed.example/", "http://mapped.example/",
    "http://metadata.example/", "http://zone.example/", "http://nonsense.example/", "https://localhost/", "http://six.example/",
]  # fmt: skip

NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "localtest.example": ["127.0.0.1"],
    "mixed.example": ["93.184.215.14", "10.0.0.1"],
    "mapped.example": ["::ffff:10.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "zone.example": ["fe80::1%eth0"],
    "nonsense.example": ["not an address"],
    "six.example": ["2606:4700::1", "fd00::1"],
    "public.example": ["93.184.215.14", "2606:4700::1111"],
    "database": ["10.0.0.5"],
}


async def names(host: str, port: int) -> list[str]:
    try:
        return NAMES[host.rstrip(".").lower()]
    except KeyError:
        raise OSError("no such name") from None


@pytest.mark.parametrize("url", BYPASSES)
async def test_no_way_in(url: str) -> None:
    async with OutboundClient(Policy(), lookup=names) as client:
        with pytest.raises((BlockedAddress, InvalidRequest)):
            await client.request("GET", url, timeout_s=2)


@pytest.mark.parametrize("url", ["http://٠.٠.٠.٠/", "http://[v1.x]/"])
async def test_what_is_only_a_name_is_looked_up_as_one(url: str) -> None:
    async with OutboundClient(Policy(), lookup=names) as client:
        with pytest.raises(ConnectionFailed, match="has no address"):
            await client.request("GET", url, timeout_s=2)


def test_the_table_is_large_enough() -> None:
    assert len(set(BYPASSES)) >= 100


@pytest.mark.parametrize(
    "host", ["93.184.215.14", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1", "public.example", "PUBLIC.example."]
)
async def test_the_public_internet_is_open(host: str) -> None:
    assert await resolve(host, 443, Policy(), lookup=names)


async def test_what_is_resolved_is_what_is_connected_to() -> None:
    assert await resolve("public.example", 443, Policy(), lookup=names) == NAMES["public.example"]


async def test_allowed_ranges() -> None:
    policy = Policy.parse("10.0.0.0/8, fd00::/8 ,")
    assert await resolve("10.1.2.3", 80, policy) == ["10.1.2.3"]
    assert await resolve("mixed.example", 80, policy, lookup=names)
    assert await resolve("mapped.example", 80, policy, lookup=names)
    for closed in ("127.0.0.1", "192.168.0.1", "::1"):
        with pytest.raises(BlockedAddress, match="TRESTLE_ALLOW_CIDRS"):
            await resolve(closed, 80, policy)
    everything = Policy.parse("0.0.0.0/0,::/0")
    for never in ("0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "::ffff:0.0.0.0"):
        with pytest.raises(BlockedAddress):
            await resolve(never, 80, everything)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "example.com", "10.0.0", "10.0.0.0/8;fd00::/8"])
def test_a_wrong_range_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="TRESTLE_ALLOW_CIDRS"):
        Policy.parse(text)


@pytest.mark.parametrize("own", ["127.0.0.1", "localhost", "0.0.0.0", "::", "[::1]"])
@pytest.mark.parametrize(
    "target", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "localhost", "localtest.example", "64:ff9b::7f00:1"]
)
async def test_own_servers_stay_closed(own: str, target: str) -> None:
    policy = Policy.parse("0.0.0.0/0,::/0", denied=[(own, 5432)])
    with pytest.raises(BlockedAddress, match="own servers"):
        await resolve(target, 5432, policy, lookup=names)
    assert await resolve(target, 5433, policy, lookup=names)


async def test_own_servers_with_names_stay_closed() -> None:
    policy = Policy.parse("10.0.0.0/8", denied=[("Database", 5432), ("gone", 6379)])
    for target in ("database", "DATABASE.", "10.0.0.5", "::ffff:10.0.0.5"):
        with pytest.raises(BlockedAddress, match="own servers"):
            await resolve(target, 5432, policy, lookup=names)
    assert await resolve("10.0.0.6", 5432, policy, lookup=names)
    with pytest.raises(BlockedAddress):  # its name can't be resolved: it might be this one
        await resolve("10.0.0.6", 6379, policy, lookup=names)
    await judge(ip_address("93.184.215.14"), 6379, policy, lookup=names)


async def test_unknown_name() -> None:
    with pytest.raises(ConnectionFailed, match="spelling"):
        await resolve("nowhere.example", 80, Policy(), lookup=names)


async def test_a_name_that_answers_differently_the_second_time() -> None:
    answers = iter([["93.184.215.14"], ["127.0.0.1"], ["127.0.0.1"]])
    asked = 0

    async def rebinding(host: str, port: int) -> list[str]:
        nonlocal asked
        asked += 1
        return next(answers)

    assert await resolve("rebind.example", 80, Policy(), lookup=rebinding) == ["93.184.215.14"]
    assert asked == 1  # nobody asks again for what is connected to
    async with OutboundClient(Policy(), lookup=rebinding) as client:
        with pytest.raises(OutboundError):
            await client.request("GET", "http://rebind.example/", timeout_s=2)
    assert asked == 2


def test_own_servers_come_from_settings() -> None:
    urls = ["postgresql://u:p@db-1:6000,db-2/x?ssl=1", "redis://cache/0", "http://[::1]:8000", "unix:///run/redis.sock"]
    assert own_servers(urls, ["web:3000"]) == [("db-1", 6000), ("db-2", 5432), ("cache", 6379), ("::1", 8000), ("web", 3000)]
    with pytest.raises(ValueError, match="TRESTLE_DENIED_ADDRESSES"):
        own_servers([], ["web"])
