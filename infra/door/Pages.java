package citylake.door;

import static java.nio.charset.StandardCharsets.UTF_8;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.security.MessageDigest;
import java.util.Base64;

/** Asks a browser for the name and the secret of the server's environment before it shows Spark's pages. */
public final class Pages implements Filter {
  private static final String SECRET = System.getenv("CITYLAKE_PAGES_SECRET");

  @Override
  public void doFilter(ServletRequest request, ServletResponse answer, FilterChain next) throws IOException, ServletException {
    String given = ((HttpServletRequest) request).getHeader("Authorization");
    String basic = Base64.getEncoder().encodeToString(("citylake:" + SECRET).getBytes(UTF_8));
    if (SECRET != null && given != null && MessageDigest.isEqual(("Basic " + basic).getBytes(UTF_8), given.getBytes(UTF_8))) {
      next.doFilter(request, answer);
      return;
    }
    ((HttpServletResponse) answer).setHeader("WWW-Authenticate", "Basic realm=\"citylake\"");
    ((HttpServletResponse) answer).sendError(HttpServletResponse.SC_UNAUTHORIZED);
  }
}
