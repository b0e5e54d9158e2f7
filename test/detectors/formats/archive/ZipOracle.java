import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.zip.*;

/** What Java sees, as Multi Model Server unpacks (a stream) and by the directory: two lines for each path on stdin. */
public class ZipOracle {
  static final int MOST = 1 << 22;

  static String tell(String name, InputStream in) throws IOException {
    byte[] content = in.readNBytes(MOST);
    if (content.length == MOST) throw new IOException("long");
    CRC32 crc = new CRC32();
    crc.update(content);
    StringBuilder hex = new StringBuilder();
    for (byte letter : name.getBytes(StandardCharsets.UTF_8)) hex.append(String.format("%02x", letter));
    return hex + ":" + content.length + ":" + crc.getValue();
  }

  static String line(List<String> seen) {
    Collections.sort(seen);
    return seen.isEmpty() ? "-" : String.join(" ", seen);
  }

  static String stream(String path) {
    List<String> seen = new ArrayList<>();
    try (ZipInputStream in = new ZipInputStream(new BufferedInputStream(new FileInputStream(path)))) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) seen.add(tell(entry.getName(), in));
      return line(seen);
    } catch (Exception error) {
      return "! " + error.getClass().getSimpleName() + " " + error.getMessage();
    }
  }

  static String directory(String path) {
    List<String> seen = new ArrayList<>();
    try (ZipFile file = new ZipFile(path)) {
      for (Enumeration<? extends ZipEntry> all = file.entries(); all.hasMoreElements();) {
        ZipEntry entry = all.nextElement();
        try (InputStream in = file.getInputStream(entry)) { seen.add(tell(entry.getName(), in)); }
      }
      return line(seen);
    } catch (Exception error) {
      return "! " + error.getClass().getSimpleName() + " " + error.getMessage();
    }
  }

  public static void main(String[] arguments) throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String path = in.readLine(); path != null; path = in.readLine()) {
      System.out.println(stream(path).replaceAll("[\\r\\n]", " "));
      System.out.println(directory(path).replaceAll("[\\r\\n]", " "));
    }
  }
}
