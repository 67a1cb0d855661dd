using System.Net;
using System.Net.Sockets;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

public sealed class HubServerTests
{
    [Fact]
    public void A_port_that_is_taken_is_passed_over()
    {
        using TcpListener other = new(IPAddress.Loopback, 0);
        other.Start();
        int taken = ((IPEndPoint)other.LocalEndpoint).Port;
        Queue<int> ports = new([taken, .. Enumerable.Range(0, 100).Select(_ => Random.Shared.Next(20_000, 60_000))]);

        using HubServer server = new("us/model", ports.Dequeue);

        Assert.NotEqual(taken, server.Endpoint.Port);
        Assert.NotEqual(server.Endpoint.Port, server.Storage.Port);
    }
}
