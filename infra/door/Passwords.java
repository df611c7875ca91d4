package citylake.door;

import javax.security.sasl.AuthenticationException;
import org.apache.hive.service.auth.PasswdAuthenticationProvider;

/** Asks every user of JDBC for the secret. */
public final class Passwords implements PasswdAuthenticationProvider {
  @Override
  public void Authenticate(String user, String password) throws AuthenticationException {
    if (!Users.knows(user, password)) {
      throw new AuthenticationException("DOOR.UNKNOWN: no such user, or another password");
    }
  }
}
