/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/topology.h"

#include <hwloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/units.h"
#include "harness/system/topology_hwloc.h"

enum {
    FOLD_FROM = 3, /* neighbours of one make from which on they share a line */
};

/* ----------------------------------------------------------------------------------- lines */

/* Draws a tree: every line is the indent, a branch and its text. */
struct pen {
    const struct mlb_topology *topology;
    struct mlb_text *text;
    char indent[160];
};

/* The longest beginning of `line` that takes at most `columns`, cut between code points. */
static size_t bytes_of_columns(const char *line, size_t columns)
{
    size_t bytes = 0;
    while (line[bytes] != '\0') {
        bool begins = ((unsigned char)line[bytes] & 0xc0) != 0x80;
        if (begins && columns-- == 0)
            break;
        bytes++;
    }
    return bytes;
}

static void add_line(struct mlb_text *text, const char *line)
{
    if (mlb_text_columns(line) <= MLB_PICTURE_WIDTH)
        mlb_text_addf(text, "%s\n", line);
    else
        mlb_text_addf(text, "%.*s…\n", (int)bytes_of_columns(line, MLB_PICTURE_WIDTH - 1), line);
}

static void draw(struct pen *pen, bool last, const char *label)
{
    char line[768];
    mlb_format(line, sizeof line, "%s%s%s", pen->indent, last ? "└─ " : "├─ ", label);
    add_line(pen->text, line);
}

/* Deeper by one level; returns what leave() takes. Past the room for indents the tree goes flat. */
static size_t enter(struct pen *pen, bool last)
{
    size_t length = strlen(pen->indent);
    if (length + sizeof "│  " <= sizeof pen->indent)
        strcat(pen->indent, last ? "   " : "│  ");
    return length;
}

static void leave(struct pen *pen, size_t length)
{
    pen->indent[length] = '\0';
}

/* "no core", "1 core", "2 cores" */
static struct mlb_words amount(int count, const char *what)
{
    struct mlb_words made;
    if (count == 0)
        mlb_format(made.text, sizeof made.text, "no %s", what);
    else
        mlb_format(made.text, sizeof made.text, "%d %s%s", count, what, count == 1 ? "" : "s");
    return made;
}

/* ----------------------------------------------------------------------------- PCI devices */

/* The device at `object`; NULL for a bridge. */
static const struct mlb_place *place_of(const struct mlb_topology *topology, hwloc_obj_t object)
{
    for (size_t i = 0; i < topology->count; i++)
        if (topology->places[i].object == object)
            return &topology->places[i];
    return NULL;
}

static bool holds_device(const struct mlb_topology *topology, hwloc_obj_t object)
{
    for (size_t i = 0; i < topology->count; i++)
        for (hwloc_obj_t at = topology->places[i].object; at; at = at->parent)
            if (at == object)
                return true;
    return false;
}

static bool is_alike(const struct mlb_place *a, const struct mlb_place *b)
{
    return a && b && a->pci.kind == MLB_PCI_NIC && b->pci.kind == MLB_PCI_NIC && b > a &&
           strcmp(a->pci.vendor, b->pci.vendor) == 0 &&
           strcmp(a->pci.product, b->pci.product) == 0 &&
           a->pci.link_bytes_per_s >= b->pci.link_bytes_per_s &&
           a->pci.link_bytes_per_s <= b->pci.link_bytes_per_s;
}

struct vendor {
    const char *id, *name;
};

/* For machines without a database of PCI ids: those that a rented machine has. */
static const struct vendor vendors[] = {
    {"1002", "AMD"},      {"10de", "NVIDIA"},   {"1414", "Microsoft"},
    {"14e4", "Broadcom"}, {"15b3", "Mellanox"}, {"1ae0", "Google"},
    {"1af4", "virtio"},   {"1d0f", "Amazon"},   {"8086", "Intel"},
};

/* The model, or "Amazon 1d0f:efa2" where hwloc knows none. */
static void name_model(const struct mlb_pci *pci, char *to, size_t size)
{
    const char *vendor = "";
    for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++)
        if (strcmp(vendors[i].id, pci->vendor) == 0)
            vendor = vendors[i].name;
    if (pci->model[0])
        mlb_format(to, size, "%s", pci->model);
    else
        mlb_format(to, size, "%s%s%s:%s", vendor, vendor[0] ? " " : "", pci->vendor, pci->product);
}

/* "0000:1b:00.0", of a run "0000:1b:00.0-1e:00.0" */
static void name_addresses(const struct mlb_pci *first, const struct mlb_pci *last, char *to,
                           size_t size)
{
    size_t domain = strcspn(last->pci_id, ":") + 1;
    bool same_domain = strncmp(first->pci_id, last->pci_id, domain) == 0;
    mlb_format(to, size, "%s%s%s", first->pci_id, first == last ? "" : "-",
               first == last ? "" : last->pci_id + (same_domain ? domain : 0));
}

/* Network names, of a run the first and the last; a GPU's say nothing that its number does not. */
static void name_interfaces(const struct mlb_pci *first, const struct mlb_pci *last, char *to,
                            size_t size)
{
    to[0] = '\0';
    if (first->kind == MLB_PCI_NIC && first->names[0])
        mlb_format(to, size, "  %s%s%s", first->names, first == last ? "" : " to ",
                   first == last ? "" : last->names);
}

/* One device, or a run of neighbours of one make from `first` to `last`. */
static void draw_devices(struct pen *pen, bool end, const struct mlb_place *first,
                         const struct mlb_place *last)
{
    char label[512], rate[MLB_UNIT_TEXT], addresses[64], link[40] = "", names[208], model[112];
    name_addresses(&first->pci, &last->pci, addresses, sizeof addresses);
    name_interfaces(&first->pci, &last->pci, names, sizeof names);
    name_model(&first->pci, model, sizeof model);
    if (first->pci.link_bytes_per_s > 0)
        mlb_format(link, sizeof link, "  %s",
                   mlb_print_rate(rate, first->pci.link_bytes_per_s, "B/s"));
    mlb_format(label, sizeof label, "%s  %s%s%s  %s",
               mlb_place_name(pen->topology, first, (size_t)(last - first)).text, addresses, link,
               names, model);
    draw(pen, end, label);
}

/* -------------------------------------------------------------------------------- PCI tree */

static hwloc_obj_t next_child(const struct mlb_topology *topology, hwloc_obj_t child)
{
    while (child && !holds_device(topology, child))
        child = child->next_sibling;
    return child;
}

/* A bridge below a host bridge says something only where it parts into several branches. */
static hwloc_obj_t skip_bridges(const struct mlb_topology *topology, hwloc_obj_t object)
{
    while (object->type == HWLOC_OBJ_BRIDGE) {
        hwloc_obj_t child = next_child(topology, object->io_first_child);
        if (!child || next_child(topology, child->next_sibling))
            break;
        object = child;
    }
    return object;
}

static void draw_object(struct pen *pen, bool last, hwloc_obj_t object);

/* Last of the run of like neighbours that begins at `child`, a sibling or `child` itself. */
static hwloc_obj_t end_of_run(const struct mlb_topology *topology, hwloc_obj_t child)
{
    const struct mlb_place *place = place_of(topology, skip_bridges(topology, child));
    hwloc_obj_t next = child;
    while ((next = next_child(topology, next->next_sibling)) != NULL) {
        const struct mlb_place *other = place_of(topology, skip_bridges(topology, next));
        if (!is_alike(place, other))
            break;
        place = other;
        child = next;
    }
    return child;
}

static void draw_children(struct pen *pen, hwloc_obj_t bridge)
{
    const struct mlb_topology *topology = pen->topology;
    hwloc_obj_t child = next_child(topology, bridge->io_first_child);
    while (child) {
        hwloc_obj_t object = skip_bridges(topology, child), end = end_of_run(topology, child);
        const struct mlb_place *first = place_of(topology, object);
        const struct mlb_place *last = place_of(topology, skip_bridges(topology, end));
        bool fold = first && last - first + 1 >= FOLD_FROM;
        hwloc_obj_t next = next_child(topology, (fold ? end : child)->next_sibling);
        if (fold)
            draw_devices(pen, !next, first, last);
        else
            draw_object(pen, !next, object);
        child = next;
    }
}

/* Directly below a host bridge: a root port, or what a hypervisor shows in the place of a switch.
 */
static bool is_root_port(hwloc_obj_t bridge)
{
    hwloc_obj_t parent = bridge->parent;
    return parent->type == HWLOC_OBJ_BRIDGE &&
           parent->attr->bridge.upstream_type == HWLOC_OBJ_BRIDGE_HOST;
}

/* " (NUMA nodes 0-1)" for a host bridge that hangs on some nodes of more; else "". */
static struct mlb_words nodes_of_root(const struct mlb_topology *topology, hwloc_obj_t root)
{
    struct mlb_words made = {""};
    char list[40];
    hwloc_obj_t near = hwloc_get_non_io_ancestor_obj(topology->hwloc, root);
    hwloc_obj_t machine = hwloc_get_root_obj(topology->hwloc);
    if (mlb_node_of_cpus(topology->hwloc, near->cpuset) ||
        hwloc_bitmap_isequal(near->cpuset, machine->cpuset))
        return made;
    mlb_print_cpus(near->nodeset, list, sizeof list);
    mlb_format(made.text, sizeof made.text, " (NUMA nodes %s)", list);
    return made;
}

static void draw_bridge(struct pen *pen, bool last, hwloc_obj_t bridge)
{
    char label[96];
    const struct hwloc_bridge_attr_s *attr = &bridge->attr->bridge;
    if (attr->upstream_type == HWLOC_OBJ_BRIDGE_PCI)
        mlb_format(label, sizeof label, "PCI %s %04x:%02x:%02x.%01x",
                   is_root_port(bridge) ? "bridge" : "switch", (unsigned)attr->upstream.pci.domain,
                   (unsigned)attr->upstream.pci.bus, (unsigned)attr->upstream.pci.dev,
                   (unsigned)attr->upstream.pci.func);
    else
        mlb_format(label, sizeof label, "Host bridge %04x:%02x%s",
                   (unsigned)attr->downstream.pci.domain,
                   (unsigned)attr->downstream.pci.secondary_bus,
                   nodes_of_root(pen->topology, bridge).text);
    draw(pen, last, label);
    size_t outer = enter(pen, last);
    draw_children(pen, bridge);
    leave(pen, outer);
}

static void draw_object(struct pen *pen, bool last, hwloc_obj_t object)
{
    const struct mlb_place *place = place_of(pen->topology, object);
    if (place)
        draw_devices(pen, last, place, place);
    else
        draw_bridge(pen, last, object);
}

/* ------------------------------------------------------------------------------- PCI roots */

/* Topmost PCI object above `object`: a host bridge, or the device where there is none. */
static hwloc_obj_t root_of(hwloc_obj_t object)
{
    while (object->parent && hwloc_obj_type_is_io(object->parent->type))
        object = object->parent;
    return object;
}

static hwloc_obj_t node_of_root(const struct mlb_topology *topology, hwloc_obj_t root)
{
    hwloc_obj_t near = hwloc_get_non_io_ancestor_obj(topology->hwloc, root);
    return mlb_node_of_cpus(topology->hwloc, near->cpuset);
}

static unsigned long address_of_root(hwloc_obj_t root)
{
    if (root->type == HWLOC_OBJ_BRIDGE)
        return (unsigned long)root->attr->bridge.downstream.pci.domain << 8 |
               root->attr->bridge.downstream.pci.secondary_bus;
    return (unsigned long)root->attr->pcidev.domain << 8 | root->attr->pcidev.bus;
}

static bool comes_after(hwloc_obj_t root, hwloc_obj_t other)
{
    unsigned long a = address_of_root(root), b = address_of_root(other);
    return a != b ? a > b : root->gp_index > other->gp_index;
}

/* The root of `node` (NULL: of no known node) with the next address after `previous`'s. */
static hwloc_obj_t next_root(const struct mlb_topology *topology, hwloc_obj_t node,
                             hwloc_obj_t previous)
{
    hwloc_obj_t next = NULL;
    for (size_t i = 0; i < topology->count; i++) {
        hwloc_obj_t root = root_of(topology->places[i].object);
        if (node_of_root(topology, root) == node && (!previous || comes_after(root, previous)) &&
            (!next || comes_after(next, root)))
            next = root;
    }
    return next;
}

static void draw_roots(struct pen *pen, hwloc_obj_t node)
{
    hwloc_obj_t root = next_root(pen->topology, node, NULL);
    while (root) {
        hwloc_obj_t next = next_root(pen->topology, node, root);
        draw_object(pen, !next, root);
        root = next;
    }
}

/* ---------------------------------------------------------------------- packages and nodes */

/* "L3 2 x 32 MiB, ": the last-level caches that lie within `object`; "" when there is none. */
static struct mlb_words caches_in(hwloc_topology_t hwloc, hwloc_obj_t object)
{
    struct mlb_words made = {""};
    hwloc_obj_t seen = NULL, pu = NULL;
    int count = 0;
    char size[MLB_UNIT_TEXT];
    while ((pu = hwloc_get_next_obj_inside_cpuset_by_type(hwloc, object->cpuset, HWLOC_OBJ_PU,
                                                          pu)) != NULL) {
        hwloc_obj_t cache = mlb_last_cache(pu);
        if (cache && cache != seen && hwloc_bitmap_isincluded(cache->cpuset, object->cpuset))
            count++;
        seen = cache;
    }
    if (count == 0)
        return made;
    mlb_print_bytes(size, seen->attr->cache.size);
    if (count == 1)
        mlb_format(made.text, sizeof made.text, "L%u %s, ", seen->attr->cache.depth, size);
    else
        mlb_format(made.text, sizeof made.text, "L%u %d x %s, ", seen->attr->cache.depth, count,
                   size);
    return made;
}

static int count_inside(hwloc_topology_t hwloc, hwloc_obj_t object, hwloc_obj_type_t type)
{
    int count = hwloc_get_nbobjs_inside_cpuset_by_type(hwloc, object->cpuset, type);
    return count > 0 ? count : 0;
}

/* A node of a machine whose packages share it says how many they are. */
static void describe_node(hwloc_topology_t hwloc, hwloc_obj_t node, char *label, size_t size)
{
    char memory[MLB_UNIT_TEXT], cpus[40], over[64] = "";
    int packages = count_inside(hwloc, node, HWLOC_OBJ_PACKAGE);
    mlb_print_cpus(node->cpuset, cpus, sizeof cpus);
    if (packages > 1)
        mlb_format(over, sizeof over, " (%d packages)", packages);
    mlb_format(label, size, "NUMA node %u%s: %s, %s, %sCPUs %s", node->os_index, over,
               mlb_print_bytes(memory, mlb_node_memory(hwloc, node)),
               amount(count_inside(hwloc, node, mlb_core_type(hwloc)), "core").text,
               caches_in(hwloc, node).text, cpus);
}

static hwloc_obj_t package_of(hwloc_topology_t hwloc, hwloc_obj_t node)
{
    return node ? hwloc_get_ancestor_obj_by_type(hwloc, HWLOC_OBJ_PACKAGE, node) : NULL;
}

static void draw_node(struct pen *pen, hwloc_obj_t node, hwloc_obj_t package)
{
    hwloc_topology_t hwloc = pen->topology->hwloc;
    char label[256];
    size_t outer = strlen(pen->indent);
    bool last = package_of(hwloc, mlb_next_cpu_node(hwloc, node)) != package;
    describe_node(hwloc, node, label, sizeof label);
    if (package) {
        draw(pen, last, label);
        enter(pen, last);
    } else {
        add_line(pen->text, label);
    }
    draw_roots(pen, node);
    leave(pen, outer);
}

static void draw_package(struct pen *pen, hwloc_obj_t package, hwloc_obj_t node)
{
    hwloc_topology_t hwloc = pen->topology->hwloc;
    struct mlb_words caches = caches_in(hwloc, package);
    bool in_node = hwloc_bitmap_isequal(node->cpuset, package->cpuset) ||
                   caches_in(hwloc, node).text[0] != '\0';
    char label[96];
    mlb_format(label, sizeof label, "Package %d: %s%s", (int)package->os_index,
               in_node ? "" : caches.text,
               amount(count_inside(hwloc, package, mlb_core_type(hwloc)), "core").text);
    add_line(pen->text, label);
}

static void draw_machine(struct pen *pen)
{
    hwloc_topology_t hwloc = pen->topology->hwloc;
    hwloc_obj_t node = NULL, seen = NULL;
    while ((node = mlb_next_cpu_node(hwloc, node)) != NULL) {
        hwloc_obj_t package = package_of(hwloc, node);
        if (package && package != seen)
            draw_package(pen, package, node);
        draw_node(pen, node, package);
        seen = package;
    }
    if (next_root(pen->topology, NULL, NULL)) {
        add_line(pen->text, "Beside no single NUMA node");
        draw_roots(pen, NULL);
    }
}

static void print_head(const struct mlb_topology *topology, struct mlb_text *text)
{
    struct mlb_topology_counts counts;
    char line[256], memory[MLB_UNIT_TEXT], cpus[64];
    hwloc_const_cpuset_t allowed = mlb_allowed_cpus(topology->hwloc);
    mlb_topology_counts(topology, &counts);
    mlb_format(line, sizeof line, "%s%s", counts.cpu_model[0] ? counts.cpu_model : "Unknown CPU",
               counts.this_machine ? "" : " (replayed, not this machine)");
    add_line(text, line);
    mlb_format(line, sizeof line, "%s%s%s, %s, %s, %s, %s, %s",
               counts.packages ? amount(counts.packages, "package").text : "",
               counts.packages ? ", " : "", amount(counts.numa_nodes, "NUMA node").text,
               amount(counts.cores, "core").text, amount(counts.pus, "thread").text,
               mlb_print_bytes(memory, counts.memory_bytes), amount(counts.gpus, "GPU").text,
               amount(counts.nics, "NIC").text);
    add_line(text, line);
    if (!hwloc_bitmap_isequal(allowed, hwloc_topology_get_topology_cpuset(topology->hwloc))) {
        mlb_print_cpus(allowed, cpus, sizeof cpus);
        mlb_format(line, sizeof line, "this job may use CPUs %s only", cpus);
        add_line(text, line);
    }
}

void mlb_topology_print(const struct mlb_topology *topology, struct mlb_text *text)
{
    struct pen pen = {.topology = topology, .text = text};
    print_head(topology, text);
    mlb_text_add(text, "\n");
    draw_machine(&pen);
    mlb_topology_print_distances(topology, text);
}
