# SPDX-License-Identifier: Apache-2.0
# cmake --install: bin, share/mlbench (configs, schemas), man page, completion, documents.
# cpack: a .deb with its dependencies, or a .tar.gz.
include(GNUInstallDirs)

# Man page and completion are printed by the program itself, from its option table.
set(generated ${PROJECT_BINARY_DIR}/generated)
if(NOT CMAKE_CROSSCOMPILING)
    add_custom_command(OUTPUT ${generated}/mlbench.1 ${generated}/mlbench.bash
        COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:mlbench> -DFOLDER=${generated}
            -P ${PROJECT_SOURCE_DIR}/cmake/write-manual.cmake
        DEPENDS mlbench ${PROJECT_SOURCE_DIR}/cmake/write-manual.cmake
        COMMENT "Writing the man page and the completion"
        VERBATIM)
    add_custom_target(mlbench_manual ALL DEPENDS ${generated}/mlbench.1 ${generated}/mlbench.bash)
    install(FILES ${generated}/mlbench.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    install(FILES ${generated}/mlbench.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        RENAME mlbench)
endif()

install(TARGETS mlbench RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/mlbench)
install(FILES results/schema.json results/document.schema.json
    DESTINATION ${CMAKE_INSTALL_DATADIR}/mlbench)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

find_program(MLBENCH_DPKG_SHLIBDEPS dpkg-shlibdeps)
mark_as_advanced(MLBENCH_DPKG_SHLIBDEPS)
if(MLBENCH_DPKG_SHLIBDEPS)
    set(CPACK_GENERATOR DEB)
else()
    set(CPACK_GENERATOR TGZ)
endif()
set(CPACK_PACKAGE_NAME mlbench)
set(CPACK_PACKAGE_VENDOR mlbench)
set(CPACK_PACKAGE_CONTACT "The mlbench authors <mlbench@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Benchmark of what a machine gives a training job")
set(CPACK_PACKAGE_DESCRIPTION "mlbench measures compute, memory, interconnect and training steps \
of rented GPU and CPU machines, verifies each result before it times it, and writes one JSON \
record; from records and prices it says which machine gives most for the money.")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# mpirun is no shared library.
set(CPACK_DEBIAN_PACKAGE_DEPENDS openmpi-bin)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS libcurl4) # opened, not linked: 0008-whose-machine.md
include(CPack)
