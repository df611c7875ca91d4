package citylake.door;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Hashtable;
import java.util.Map;
import javax.naming.Context;
import javax.naming.NamingException;
import javax.naming.directory.InitialDirContext;
import javax.naming.ldap.Rdn;

/**
 * Who may ask: the users of a file, `name sha256-of-secret` a line, and those whom a directory knows.
 *
 * <p>The secrets of the file are random and of 256 bits, so a plain hash gives nothing away. The file is read again when it
 * changes: a user who is taken out is refused from the next request on.
 */
final class Users {
  private static final Path FILE = Path.of(System.getenv().getOrDefault("CITYLAKE_DOOR_USERS", "/nonexistent"));
  private static final String DIRECTORY = System.getenv("CITYLAKE_DOOR_LDAP_URL");
  private static final String NAMED = System.getenv("CITYLAKE_DOOR_LDAP_DN");
  private static final long REMEMBERED = 60_000;
  private static Map<String, String> known = Map.of();
  private static FileTime read;
  private static final Map<String, Long> bound = new HashMap<>();

  private Users() {}

  /** Whether this secret is that of this user. */
  static synchronized boolean knows(String name, String secret) {
    if (name == null || name.isEmpty() || secret == null || secret.isEmpty()) {
      return false;
    }
    String hash = hash(secret);
    String kept = file().get(name);
    return kept != null ? MessageDigest.isEqual(bytes(kept), bytes(hash)) : DIRECTORY != null && directory(name, secret, hash);
  }

  private static Map<String, String> file() {
    try {
      FileTime now = Files.getLastModifiedTime(FILE);
      if (!now.equals(read)) {
        Map<String, String> found = new HashMap<>();
        for (String line : Files.readAllLines(FILE)) {
          String[] parts = line.strip().split(" ");
          if (parts.length == 2) {
            found.put(parts[0], parts[1]);
          }
        }
        known = found;
        read = now;
      }
      return known;
    } catch (IOException gone) {
      return Map.of();
    }
  }

  /** A simple bind as this user; a blank secret, which a directory takes for nobody, never comes so far. */
  private static boolean directory(String name, String secret, String hash) {
    String key = name + " " + hash;
    Long since = bound.get(key);
    if (since != null && System.currentTimeMillis() - since < REMEMBERED) {
      return true;
    }
    Hashtable<String, String> asked = new Hashtable<>();
    asked.put(Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.ldap.LdapCtxFactory");
    asked.put(Context.PROVIDER_URL, DIRECTORY);
    asked.put(Context.SECURITY_AUTHENTICATION, "simple");
    asked.put(Context.SECURITY_PRINCIPAL, NAMED.replace("%s", Rdn.escapeValue(name)));
    asked.put(Context.SECURITY_CREDENTIALS, secret);
    asked.put("com.sun.jndi.ldap.connect.timeout", "5000");
    asked.put("com.sun.jndi.ldap.read.timeout", "5000");
    try {
      new InitialDirContext(asked).close();
      bound.put(key, System.currentTimeMillis());
      return true;
    } catch (NamingException refused) {
      bound.remove(key);
      return false;
    }
  }

  private static String hash(String secret) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes(secret)));
    } catch (GeneralSecurityException error) {
      throw new IllegalStateException(error);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
