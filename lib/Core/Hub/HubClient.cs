using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Hub;

/// <summary>Sends HTTP requests to the Hub: follows redirects, retries, and turns failures into readable errors.</summary>
internal sealed class HubClient(HubOptions options) : IDisposable
{
    private const int Redirects = 10;

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false,
        ConnectTimeout = TimeSpan.FromSeconds(15) }) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Runs an action over the network, and retries it after failures that may be temporary.</summary>
    internal async Task<T> RetryAsync<T>(string what, Func<Task<T>> action, CancellationToken cancellationToken)
    {
        for (int failures = 1; ; failures++)
        {
            TimeSpan wait = options.BackOff(failures);
            Exception reason;
            try
            {
                return await action();
            }
            catch (HubTransientException exception)
            {
                (reason, wait) = (exception, exception.Wait ?? wait);
                if (wait > options.LongestWait)
                    throw new HubException($"{what}: {exception.Message} and asks to be left alone for {wait.TotalSeconds:f0} seconds. " +
                        $"Try again then; what has arrived is kept. With HF_TOKEN set the Hub allows more.", exception);
            }
            catch (Exception exception) when (exception is HttpRequestException or HttpIOException
                || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                reason = exception;
            }
            if (failures >= options.Attempts)
                throw new HubException($"{what} could not be fetched from {options.Endpoint} in {failures} attempts: " +
                    $"{reason.Message.TrimEnd('.')}. "
                    + "What has arrived is kept, and the next attempt goes on from there; models that are in the cache need no network.",
                        reason);
            await Task.Delay(wait, cancellationToken);
        }
    }

    /// <summary>
    /// Sends a request, follows redirects, and throws if the answer is not a success. A redirect to another server does not get the token.
    /// </summary>
    /// <param name="method">GET or HEAD. A HEAD is not redirected to another server, since the first one knows the file's hash.</param>
    /// <param name="path">The path below the endpoint.</param>
    /// <param name="what">What is fetched, for messages.</param>
    /// <param name="from">The first byte wanted.</param>
    /// <param name="cancellationToken">Stops it.</param>
    internal async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, string what, long from, CancellationToken cancellationToken)
    {
        var address = new Uri($"{options.Endpoint.AbsoluteUri.TrimEnd('/')}/{path}");
        for (int redirect = 0; redirect <= Redirects; redirect++)
        {
            using var request = new HttpRequestMessage(method, address);
            request.Headers.UserAgent.Add(new ProductInfoHeaderValue("ClipNotebooks", "1.0"));
            request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
            if (from > 0) request.Headers.Range = new RangeHeaderValue(from, null);
            if (Token() is { } token && SameServer(address)) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer",
                token);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(options.ReadTimeout);
            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if ((int)response.StatusCode is >= 300 and < 400 && response.Headers.Location is { } location)
            {
                var next = Next(address, location, what, response);
                if (method == HttpMethod.Head && !SameServer(next)) return response;
                response.Dispose();
                address = next;
                continue;
            }
            if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable) return response;
            using (response) throw Refused(response, what);
        }
        throw new HubException($"{what}: {options.Endpoint} redirects without end.");
    }

    public void Dispose() => _http.Dispose();

    /// <summary>The address that a redirect leads to: from http to http or https, from https to https only.</summary>
    private Uri Next(Uri address, Uri location, string what, HttpResponseMessage response)
    {
        if (Uri.TryCreate(address, location, out var next) && (next.Scheme == Uri.UriSchemeHttps || next.Scheme == Uri.UriSchemeHttp
            && next.Scheme == address.Scheme))
            return next;
        response.Dispose();
        throw new HubException(
            $"{what}: {options.Endpoint} redirects to \"{Quote.Cut(location.OriginalString)}\", which is not followed: " +
            $"an address of {address.Scheme}{(address.Scheme == Uri.UriSchemeHttp ? " or https" : "")} is needed. Check HF_ENDPOINT, " +
                $"or try another network.");
    }

    /// <summary>The access token or null; throws if it has characters that a request cannot hold.</summary>
    private string? Token() => options.Token is not { } token || token.All(character => character is > ' ' and <= '~')
        ? options.Token : throw new HubException(
        "The access token has a line break, a space or a letter that no token has. Set HF_TOKEN, or write into the file of " +
            "HF_TOKEN_PATH, the token alone.");

    private bool SameServer(Uri address) => address.Scheme == options.Endpoint.Scheme && address.Authority == options.Endpoint.Authority;

    /// <summary>The wait that the server asks for, given in seconds or as a point in time.</summary>
    private static TimeSpan? Wait(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } wait } => wait,
        { Date: { } until } => until - DateTimeOffset.UtcNow is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero,
        _ => null,
    };

    private Exception Refused(HttpResponseMessage response, string what)
    {
        int status = (int)response.StatusCode;
        string? code = response.Headers.TryGetValues("X-Error-Code", out var codes) ? codes.First() : null;
        if (status is 408 or 429 or >= 500)
            return new HubTransientException($"the server answers {status.ToString(CultureInfo.InvariantCulture)} " +
                $"({(status == 429 ? "too many requests" : response.ReasonPhrase)})", Wait(response));
        return new HubException($"{what}: " + (status, code) switch
        {
            (_, "GatedRepo") or (403, _) => $"access is refused (403). Ask for it on the model's page at {options.Endpoint}, and set " +
                $"HF_TOKEN to a token of the account that has it.",
            (401, _) => options.Token is null
                ? "there is no such model, or it is private (401). Check the name; for a private model set HF_TOKEN to an access token."
                : "the token is not accepted (401), or there is no such model. Check the name and HF_TOKEN.",
            (_, "RevisionNotFound") => "there is no such revision (404). Check the branch, tag or commit.",
            (404, _) => $"there is no such model or file at {options.Endpoint} (404). Check the name.",
            _ => $"the server answers {status.ToString(CultureInfo.InvariantCulture)} ({response.ReasonPhrase}).",
        });
    }
}
