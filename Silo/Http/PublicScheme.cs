namespace Obot.Silo.Http;

/// <summary>
/// Where TLS ends before the silo, requests for the public URL's host are https ones, whatever way they took from there. A page that somebody opens
/// at the silo's own http address moves to the public URL: browsers send its <c>Secure</c> cookies nowhere else.
/// </summary>
internal static class PublicScheme
{
    public static IApplicationBuilder UsePublicScheme(this IApplicationBuilder app, string publicUrl)
    {
        var url = new Uri(publicUrl);
        return url.Scheme != Uri.UriSchemeHttps ? app : app.Use(next => context =>
        {
            var request = context.Request;
            if (string.Equals(request.Host.Value, url.Authority, StringComparison.OrdinalIgnoreCase))
            {
                request.Scheme = Uri.UriSchemeHttps;
            }
            else if (HttpMethods.IsGet(request.Method) && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase))
            {
                context.Response.Redirect($"{publicUrl}{request.Path.ToUriComponent()}{request.QueryString.ToUriComponent()}", permanent: false, preserveMethod: true);
                return Task.CompletedTask;
            }

            return next(context);
        });
    }
}
